"""Model files: cards, sources, importers, the store. The only room that downloads; it runs no network."""
