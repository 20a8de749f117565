"""The face engine with every network wrapped, put together from the same parts as the product's own.

In: settings and a wrapper. Out: an engine. The throughput benchmark checks that it computes what the product computes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from custodes.engine.batch import Batcher
from custodes.engine.card import load_cards
from custodes.engine.faces.assembly import face_recipe
from custodes.engine.faces.detect import CenterFaceDetector
from custodes.engine.faces.embed import Embedder
from custodes.engine.faces.eyes import EyeReader
from custodes.engine.faces.mesh import MeshReader
from custodes.engine.faces.pipeline import FacePipeline, Steps
from custodes.engine.session import Device, Threads, open_session
from custodes.engine.store import ModelStore, default_root
from custodes.settings import Settings


def assemble(settings: Settings, wrap: Callable[[Any], Any]) -> FacePipeline:
    """The engine that ``settings`` ask for on the CPU, each opened network handed through ``wrap``."""
    cards, store = load_cards(), ModelStore(settings.models or default_root(os.environ))

    def network(name: str) -> Any:
        card = cards[name]
        return wrap(open_session(store.path(card), card, Device.CPU, Threads(intra=settings.threads)))

    def embedding(name: str) -> Batcher:
        opened = network(name)
        return Batcher(lambda rgb: opened.run({"rgb": rgb}, ("embedding",))["embedding"])

    embedder = Embedder(embedding("dlib-resnet-v1"), embedding("faceres"), face_recipe())
    detector = CenterFaceDetector(network("centerface"))
    return FacePipeline(Steps(detector, MeshReader(network("facemesh")), EyeReader(network("iris")), embedder))
