"""Where what requests name is stored."""
