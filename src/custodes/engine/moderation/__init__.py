"""Moderation: what a picture shows that a platform may not want, under the API's names."""
