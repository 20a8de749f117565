"""Accounts, customers, rules and reviews of a data directory, put together."""
