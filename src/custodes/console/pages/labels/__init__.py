"""Pages about labels of one's own: projects, their datasets, their trained versions."""
