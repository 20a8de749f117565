"""Custodes: face and object recognition that speaks the Amazon Rekognition API and can be held to account."""

__version__ = "0.1.0"
