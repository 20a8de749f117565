"""The ledger: a transparency log that proves every use, and what was not used. It imports nothing of ours.

An auditor can read and run this package alone: it needs Python's standard library and ``cryptography``. Formats are
C2SP's (signed note, checkpoint, tlog-tiles) over RFC 6962 hashing; FORMAT.md beside this file gives every byte.
"""
