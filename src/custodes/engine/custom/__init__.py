"""Labels of the operator's own: heads trained on frozen features of the networks that are here anyway."""
