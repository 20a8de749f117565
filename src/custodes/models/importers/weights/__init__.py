"""Files of weights in formats that others made."""
