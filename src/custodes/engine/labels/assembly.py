"""The label engine from opened networks. It fetches nothing."""

from __future__ import annotations

from custodes.engine.labels.objects import ObjectDetector
from custodes.engine.labels.pipeline import MODEL_VERSION, LabelPipeline, LabelSteps
from custodes.engine.labels.scenes import SceneClassifier
from custodes.engine.labels.surroundings import load_surroundings
from custodes.engine.labels.taxonomy import load_taxonomy
from custodes.engine.runtime.batch import Batcher
from custodes.engine.runtime.networks import Networks


def open_label_engine(networks: Networks) -> LabelPipeline:
    """Open what labels need.

    Raises:
        UnavailableError: a model is missing, altered or cannot be opened.
    """
    steps = LabelSteps(open_objects(networks), open_scenes(networks), load_taxonomy(), load_surroundings())
    return LabelPipeline(steps, networks.arithmetic.version(MODEL_VERSION))


def open_objects(networks: Networks) -> ObjectDetector:
    """The object detectors."""
    return ObjectDetector(
        networks.session("centernet", beside=True), networks.session("nanodet", beside=True), beside=networks.beside
    )


def open_scenes(networks: Networks) -> SceneClassifier:
    """The classifier of whole pictures, batched across requests."""
    scenes = networks.session("efficientnet-lite2", beside=True)
    return SceneClassifier(Batcher(lambda rgb: scenes.run({"rgb": rgb}, ("logits",))["logits"]))
