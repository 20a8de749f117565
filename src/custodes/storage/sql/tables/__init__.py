"""Tables, by subject; ``schema`` has all of them."""
