"""Custom labels as rules: projects, datasets, versions, their states, manifests, evaluation. No pictures."""
