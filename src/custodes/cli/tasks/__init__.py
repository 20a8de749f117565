"""Commands about tasks over whole collections."""
