"""Known people."""
