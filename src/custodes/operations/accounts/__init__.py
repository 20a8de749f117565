"""Use cases of accounts, identities and temporary credentials."""
