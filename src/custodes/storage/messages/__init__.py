"""Messages to topics of other systems."""
