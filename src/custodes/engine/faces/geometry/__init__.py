"""Where the parts of a face are, and how it is held."""
