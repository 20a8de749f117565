"""Collections as sealed files, out and in."""
