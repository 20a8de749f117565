"""Threads that append: entries in, durable batches and published checkpoints out."""
