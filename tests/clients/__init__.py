"""Other people's clients and programs against a live server."""
