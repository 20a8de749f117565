"""Sanctions lists: files of publishers in, entries out."""
