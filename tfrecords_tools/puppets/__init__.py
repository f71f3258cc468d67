"""Draws puppets: the people, the room and what they do."""
