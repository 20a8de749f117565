"""Tasks: questions about whole collections, answered by jobs."""
