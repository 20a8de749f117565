"""Collections, faces and users: rules and entities. It knows vectors, not pictures, and does no I/O itself."""
