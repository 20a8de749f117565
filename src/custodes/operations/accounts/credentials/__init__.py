"""Keys, sessions and links, each good for a time."""
