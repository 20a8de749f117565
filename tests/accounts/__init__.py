"""Accounts, roles, users and keys, and what they may see of each other."""
