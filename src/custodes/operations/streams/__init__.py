"""Live streams: processors, their life, and what each fragment of a stream goes through."""
