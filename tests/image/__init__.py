"""Pictures of all formats, damaged ones and hostile ones."""
