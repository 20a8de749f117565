"""Commands about accounts, users, roles and keys."""
