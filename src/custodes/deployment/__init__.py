"""The composition root: settings in, a working deployment out. Only it knows which adapter is behind which port."""
