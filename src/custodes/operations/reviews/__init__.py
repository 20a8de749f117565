"""Two-person review of identifications."""
