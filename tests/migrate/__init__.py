"""What comes from other products."""
