"""Stored video: decoding, jobs, tracks, shots."""
