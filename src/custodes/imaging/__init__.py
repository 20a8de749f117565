"""Pictures: bytes in, one parsed header, upright RGB out. Limits are checked before memory is taken."""
