"""Use cases on collections, faces and users."""
