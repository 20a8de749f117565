"""Traits of faces: age, expression, eyes, small heads, passive liveness."""
