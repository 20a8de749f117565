"""The real engines for whole pictures, but for portraits.

In: settings and a ``SquareEngine``. Out: ``ImageEngines``. Networks make nothing of drawn squares, so checks of
portraits are the engine's own.
"""

from __future__ import annotations

from dataclasses import replace

from custodes.deployment.networks.engines import open_sight
from custodes.operations.images.engines import ImageEngines
from custodes.settings import Settings
from tests.fakes.engine import SquareEngine


def square_sight(settings: Settings, engine: SquareEngine) -> ImageEngines:
    """Each opens when it is first asked."""
    return replace(open_sight(settings, engine), portraits=lambda: engine)
