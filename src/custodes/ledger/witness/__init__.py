"""Witnesses: they remember a log's newest head and cosign only what continues it."""
