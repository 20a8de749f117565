"""Commands of the operator about the record and the server: typed, with what carries them out."""
