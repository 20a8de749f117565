"""The vocabulary all rooms share. It imports nothing of ours and does no I/O."""
