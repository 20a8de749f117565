"""Pages about pictures, faces and who they look like."""
