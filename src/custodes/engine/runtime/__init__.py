"""Networks at run time: sessions, batches, opened once."""
