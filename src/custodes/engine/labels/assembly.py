"""The label engine from the model pack: which cards, how many threads. It fetches nothing."""

from __future__ import annotations

from custodes.engine.batch import Batcher
from custodes.engine.card import load_cards
from custodes.engine.labels.objects import ObjectDetector
from custodes.engine.labels.pipeline import LabelPipeline, Steps
from custodes.engine.labels.scenes import SceneClassifier
from custodes.engine.labels.taxonomy import load_taxonomy
from custodes.engine.session import Device, Session, Threads, open_session
from custodes.engine.store import ModelStore


def open_label_engine(store: ModelStore, device: Device, threads: int) -> LabelPipeline:
    """Open the networks of the label pack.

    Args:
        store: where the converted models are.
        device: where to compute.
        threads: threads within one run of a network, at least 1.

    Raises:
        UnavailableError: a model is missing, altered or cannot be opened.
    """
    cards = load_cards()

    def session(name: str) -> Session:
        return open_session(store.path(cards[name]), cards[name], device, Threads(intra=threads))

    scenes = session("efficientnet-lite2")
    classifier = SceneClassifier(Batcher(lambda rgb: scenes.run({"rgb": rgb}, ("logits",))["logits"]))
    detector = ObjectDetector(session("centernet"), session("nanodet"))
    return LabelPipeline(Steps(detector, classifier, load_taxonomy()))
