"""The bytes of the log: entries, hashes, tiles, notes, checkpoints, proofs. C2SP formats, no files, no threads."""
