"""Event streams: messages, chains of signed chunks, and the events of operations that stream."""
