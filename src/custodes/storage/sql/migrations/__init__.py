"""Alembic's folder: ``env`` runs what ``versions`` holds."""
