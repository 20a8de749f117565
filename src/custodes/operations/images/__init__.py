"""Use cases on single pictures. Nothing is kept."""
