"""Archives: faces with their vectors, taken from a collection and put into another, here or elsewhere."""
