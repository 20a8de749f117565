"""Company registers: published files in, declared owners out."""
