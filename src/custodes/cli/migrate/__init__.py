"""Moving from other services: their collections, indexed anew from the photos they were made of."""
