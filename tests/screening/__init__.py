"""Names against public lists."""
