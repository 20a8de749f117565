"""Protective equipment: persons, their faces, and what covers them."""
