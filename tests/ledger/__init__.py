"""Entries, Merkle trees, notes and proofs."""
