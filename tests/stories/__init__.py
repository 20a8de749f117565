"""Whole stories through several parties and programs."""
