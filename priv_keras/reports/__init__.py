"""Pages for people: what judged runs found."""
