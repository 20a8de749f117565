"""Accounts on disk."""
