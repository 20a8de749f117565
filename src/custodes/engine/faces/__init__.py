"""Faces: one file per step (detect, align, embed, mesh, pose, quality)."""
