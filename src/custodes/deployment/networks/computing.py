"""Everything that computes in a process: the networks, what they share, what counts their runs.

In: settings, or stand-ins. Out: one value, whoever asks the networks; those for text and for whole pictures are loaded
when they are first asked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from custodes.core.device import Arithmetic
from custodes.deployment.networks.engines import open_sight, open_text
from custodes.deployment.networks.own_detectors import own_networks
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.ports import FaceEngine, TextEngine
from custodes.engine.runtime.memory import RunMemory, Runs
from custodes.engine.runtime.meter import RunMeter
from custodes.engine.runtime.narrow import require_bfloat16
from custodes.engine.runtime.once import Once
from custodes.models.card import load_cards
from custodes.models.store import ModelStore, missing_models
from custodes.operations.images.engines import ImageEngines
from custodes.settings import Settings


@dataclass(frozen=True, slots=True)
class Computing:
    """The engines of a process, with what all their runs share and what counts them."""

    faces: FaceEngine
    text: Once[TextEngine]
    sight: ImageEngines
    runs: Runs
    meter: RunMeter


@contextmanager
def open_computing(
    settings: Settings,
    engine: FaceEngine | None = None,
    text: TextEngine | None = None,
    sight: ImageEngines | None = None,
    traced: Callable[[FaceEngine], FaceEngine] = lambda engine: engine,
) -> Iterator[Computing]:
    """Load the networks for faces; each of the others is stood in for where it is given.

    Everybody asks the engine for faces as ``traced`` gives it.

    Raises:
        UnavailableError: models are missing, or the arithmetic is not to be had here.
    """
    if settings.arithmetic is Arithmetic.BFLOAT16:
        require_bfloat16()
    runs = Runs((meter := RunMeter()).ran, RunMemory())
    with open_engine(settings, runs) if engine is None else nullcontext(engine) as opened:
        faces = traced(opened)
        reader = Once(lambda: text or open_text(settings, runs))
        yield Computing(faces, reader, sight or open_sight(settings, faces, runs), runs, meter)


@contextmanager
def open_engine(settings: Settings, runs: Runs | None = None) -> Iterator[FaceEngine]:
    """The networks of the fetched model pack. Raises UnavailableError when files are missing or altered."""
    store = ModelStore(settings.models_folder)
    missing = store.missing(card for card in load_cards().values() if card.default)
    if any("faces" in card.packs for card in missing):
        raise missing_models(missing)
    threads = settings.threads or os.cpu_count() or 1
    yield open_face_engine(store, settings.device, threads, own_networks(settings), runs, settings.query_arithmetic)
