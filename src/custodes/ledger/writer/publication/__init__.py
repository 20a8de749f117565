"""From committed batches to public files: what writes them, and the thread that it runs on."""
