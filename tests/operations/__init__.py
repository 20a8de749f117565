"""Use cases behind their ports."""
