"""The text engine from the model pack: which cards, how many threads. It fetches nothing."""

from __future__ import annotations

import os

from custodes.core.device import Arithmetic, Device
from custodes.core.errors import UnavailableError
from custodes.engine.runtime.memory import Runs
from custodes.engine.runtime.networks import Networks
from custodes.engine.text.detect import LineDetector
from custodes.engine.text.orient import Orienter
from custodes.engine.text.pipeline import MODEL_VERSION, TextPipeline, TextSteps
from custodes.engine.text.recognise import Recogniser
from custodes.models.store import ModelStore

_ALPHABET = "character"
"""Note of the recogniser's file that has one symbol per line."""


def open_text_engine(
    store: ModelStore,
    device: Device,
    threads: int,
    runs: Runs | None = None,
    arithmetic: Arithmetic = Arithmetic.FLOAT32,
) -> TextPipeline:
    """Open all networks of the text pack.

    Args:
        store: where the converted models are.
        device: where to compute.
        threads: threads within one run of a network, at least 1.
        runs: what the networks of this process share.
        arithmetic: what they compute with.

    Raises:
        UnavailableError: a model is missing, altered or cannot be opened.
    """
    networks = Networks(store, device, threads, runs, arithmetic)
    recogniser = networks.session("ppocr-v6-rec")
    steps = TextSteps(
        LineDetector(networks.session("ppocr-v6-det")),
        Orienter(networks.session("ppocr-cls")),
        Recogniser(recogniser, alphabet(recogniser.notes)),
    )
    return TextPipeline(steps, max(1, (os.cpu_count() or 1) // threads), arithmetic.version(MODEL_VERSION))


def alphabet(notes: dict[str, str] | object) -> list[str]:
    """Symbols 1, 2, and so on: those of the file, then the space. Raises UnavailableError when the file has none."""
    listed = notes.get(_ALPHABET, "") if isinstance(notes, dict) else ""
    if not listed:
        raise UnavailableError("the model that reads text has no alphabet; run: custodes models fetch ppocr-v6-rec")
    return [*listed.split("\n"), " "]
