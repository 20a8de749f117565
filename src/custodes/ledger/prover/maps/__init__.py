"""The operator's maps: kept, changed, summed up in heads, and the key under which names have their places."""
