"""Both databases, objects, keys and the contract suites of their ports."""
