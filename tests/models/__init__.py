"""Cards, importers and the networks themselves against golden answers."""
