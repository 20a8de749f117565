"""Engines that look at whole pictures, as use cases get them: each is opened when it is first asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from custodes.core.errors import NotSupportedError
from custodes.engine.ports import CustomLabelEngine, EquipmentEngine, LabelEngine, ModerationEngine, PortraitEngine


def no_labels() -> LabelEngine:
    """Stands where no engine for labels was put in."""
    raise NotSupportedError("This server was put together without networks that find labels.")


def no_moderation() -> ModerationEngine:
    """Stands where no engine for moderation was put in."""
    raise NotSupportedError("This server was put together without networks for moderation.")


def no_equipment() -> EquipmentEngine:
    """Stands where no engine for protective equipment was put in."""
    raise NotSupportedError("This server was put together without networks for protective equipment.")


def no_portraits() -> PortraitEngine:
    """Stands where no engine for portraits was put in."""
    raise NotSupportedError("This server was put together without networks for portraits.")


def no_custom_labels() -> CustomLabelEngine:
    """Stands where no engine for custom labels was put in."""
    raise NotSupportedError("This server was put together without networks for custom labels.")


@dataclass(frozen=True, slots=True)
class ImageEngines:
    """What opens each engine; calling one again gives the same engine."""

    labels: Callable[[], LabelEngine] = no_labels
    moderation: Callable[[], ModerationEngine] = no_moderation
    equipment: Callable[[], EquipmentEngine] = no_equipment
    custom: Callable[[], CustomLabelEngine] = no_custom_labels
    portraits: Callable[[], PortraitEngine] = no_portraits
