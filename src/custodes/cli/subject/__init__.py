"""Commands for requests of data subjects."""
