"""The face engine with every network wrapped, put together as the product does it.

In: settings and a wrapper. Out: an engine. The throughput benchmark checks that it computes what the product computes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from custodes.core.device import Device
from custodes.engine.faces import assembly
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.runtime.session import Threads, open_session
from custodes.models.card import load_cards
from custodes.models.store import ModelStore, default_root
from custodes.settings import Settings


def assemble(settings: Settings, wrap: Callable[[Any], Any]) -> FacePipeline:
    """The engine that ``settings`` ask for on the CPU, each opened network handed through ``wrap``."""
    cards, store = load_cards(), ModelStore(settings.models or default_root(os.environ))

    def network(name: str) -> Any:
        card = cards[name]
        return wrap(open_session(store.path(card), card, Device.CPU, Threads(intra=settings.threads)))

    embedder = assembly.open_embedder(network("sface"), assembly.face_recipe())
    return assembly.assemble(network, embedder)
