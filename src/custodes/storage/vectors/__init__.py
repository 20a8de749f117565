"""Exact indexes over vectors in memory."""
