"""The console: what a person sees. Pages over the operations, through the gate, with the rights of who signed in."""
