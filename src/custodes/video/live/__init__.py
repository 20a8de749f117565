"""Live streams as pure rules: processors and their states, sources of frames."""
