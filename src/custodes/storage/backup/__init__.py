"""Backups of a data directory: taken while a server writes it, sealed, checked, restored."""
