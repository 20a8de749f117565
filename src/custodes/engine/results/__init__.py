"""What the engine says, as plain frozen values with units."""
