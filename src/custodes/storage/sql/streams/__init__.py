"""Live streams over the embedded database: processors, events, sources, destinations of events."""
