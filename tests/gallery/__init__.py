"""Collections, users and exact search."""
