"""The tenant's layer: policy documents as AWS writes them, parsed once and evaluated without surprises."""
