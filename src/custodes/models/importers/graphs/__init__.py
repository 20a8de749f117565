"""Graphs under construction: built, read, folded, rewritten."""
