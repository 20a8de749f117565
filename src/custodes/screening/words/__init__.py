"""Tables of words that names are made of: what they stand for, and how little some of them tell."""
