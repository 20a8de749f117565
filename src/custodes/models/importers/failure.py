"""The one error of this package: a weight file that cannot be converted, and why."""

from __future__ import annotations

from custodes.core.errors import UnavailableError


class ImportFailedError(UnavailableError):
    """A model file is not what its importer expects; ``message`` names the file or the operator."""
