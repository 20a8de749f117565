"""Pages: one file per subject. Each asks operations and says what to show; none keeps anything."""
