"""Tasks over whole collections: duplicates, clusters, links, calibration."""
