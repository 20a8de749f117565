"""Persons of a picture as bodies: how many there are, and what they wear."""
