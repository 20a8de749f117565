"""Commands of the operator about accounts: typed, with what carries them out."""
