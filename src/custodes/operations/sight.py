"""Engines that look at whole pictures, as use cases get them: each is opened when it is first asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from custodes.core.errors import NotSupportedError
from custodes.engine.ports import LabelEngine


def no_labels() -> LabelEngine:
    """Stands where no engine for labels was put in."""
    raise NotSupportedError("This server was put together without networks that find labels.")


@dataclass(frozen=True, slots=True)
class Sight:
    """What opens each engine; calling one again gives the same engine."""

    labels: Callable[[], LabelEngine] = no_labels
