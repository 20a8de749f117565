"""Work on many pictures or faces at once, computed by workers that may be elsewhere."""
