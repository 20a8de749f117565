"""Live video, events and where they go."""
