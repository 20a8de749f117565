"""The provider's layer: Cedar packs, decided, checked, changed in a chain with notice."""
