"""AWS's protocols: signatures, shapes, validation, errors, all from the service model."""
