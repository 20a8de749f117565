"""Documents that say what happens to each picture."""
