"""Stored video as values: structure, frames that are looked at, shots, cues, tracks, stretches. It decodes nothing."""
