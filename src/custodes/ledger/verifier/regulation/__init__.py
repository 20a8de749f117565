"""Reports on one account for regulators, checked."""
