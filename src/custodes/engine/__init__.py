"""Recognition: numpy arrays in, frozen dataclasses out. No storage, no policy, no network."""
