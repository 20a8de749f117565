"""Networks that only some requests need, from settings: each is opened by the first request that asks for it.

In: settings, and the face engine where another engine works on faces. Out: engines behind their ports. The face engine
itself is opened at start, by ``wiring``.
"""

from __future__ import annotations

import os

from custodes.engine.custom.assembly import open_custom_labels
from custodes.engine.equipment.assembly import open_equipment_engine, open_portrait_engine
from custodes.engine.labels.assembly import open_label_engine
from custodes.engine.moderation.assembly import open_moderation_engine
from custodes.engine.ports import FaceEngine, TextEngine
from custodes.engine.runtime.memory import Runs
from custodes.engine.runtime.networks import Networks
from custodes.engine.runtime.once import Once
from custodes.engine.text.assembly import open_text_engine
from custodes.models.store import ModelStore
from custodes.operations.images.engines import ImageEngines
from custodes.settings import Settings


def open_text(settings: Settings, runs: Runs | None = None) -> TextEngine:
    """The networks that read text. Raises UnavailableError when files are missing or altered."""
    threads = settings.threads or os.cpu_count() or 1
    return open_text_engine(ModelStore(settings.models_folder), settings.device, threads, runs, settings.arithmetic)


def open_sight(settings: Settings, faces: FaceEngine, runs: Runs | None = None) -> ImageEngines:
    """The engines that look at whole pictures; each opens, or raises UnavailableError, when it is first asked."""
    store, device = ModelStore(settings.models_folder), settings.device
    threads = settings.threads or os.cpu_count() or 1
    networks = Networks(store, device, threads, runs, settings.arithmetic)
    return ImageEngines(
        labels=Once(lambda: open_label_engine(networks)),
        moderation=Once(lambda: open_moderation_engine(networks, nudenet=settings.nudenet)),
        custom=Once(lambda: open_custom_labels(networks)),
        equipment=Once(lambda: open_equipment_engine(networks, faces)),
        portraits=Once(lambda: open_portrait_engine(networks, faces)),
    )
