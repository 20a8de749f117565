"""Accounts as rules and values: who they are, in what state, who acts for them. No storage, no requests."""
