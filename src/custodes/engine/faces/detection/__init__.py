"""Where faces are, and their five points."""
