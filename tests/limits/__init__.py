"""How fast and how much a caller may ask."""
