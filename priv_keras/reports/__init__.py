"""Tables, figures and pages of judged runs."""
