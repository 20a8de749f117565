"""Faces as vectors, and what their similarity is worth."""
