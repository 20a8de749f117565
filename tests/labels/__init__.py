"""Objects and scenes in pictures."""
