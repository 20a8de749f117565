"""The label engine from opened networks. It fetches nothing."""

from __future__ import annotations

from dataclasses import replace

from custodes.core.device import Arithmetic
from custodes.engine.labels.objects import ObjectDetector, ObjectRules
from custodes.engine.labels.pipeline import MODEL_VERSION, LabelPipeline, LabelSteps
from custodes.engine.labels.scenes import SceneClassifier
from custodes.engine.labels.surroundings import load_surroundings
from custodes.engine.labels.taxonomy import load_taxonomy
from custodes.engine.runtime.batch import Batcher
from custodes.engine.runtime.networks import Networks

_MARGINS_PX = (32, 0)
"""Of CenterNet and NanoDet: with less CenterNet's boxes at the edges of pictures move (BENCHMARKS.md)."""


def open_label_engine(networks: Networks) -> LabelPipeline:
    """Open what labels need.

    Raises:
        UnavailableError: a model is missing, altered or cannot be opened.
    """
    steps = LabelSteps(open_objects(networks), open_scenes(networks), load_taxonomy(), load_surroundings())
    return LabelPipeline(steps, networks.arithmetic.version(MODEL_VERSION))


def open_objects(networks: Networks) -> ObjectDetector:
    """The object detectors."""
    centernet, nanodet = (networks.session(name, beside=True) for name in ("centernet", "nanodet"))
    return ObjectDetector(centernet, nanodet, object_rules(networks), networks.beside)


def object_rules(networks: Networks) -> ObjectRules:
    """Constants for the networks as they are opened: those of narrow arithmetic take parts of their squares."""
    narrow = networks.arithmetic is Arithmetic.BFLOAT16
    return replace(ObjectRules(), margins_px=_MARGINS_PX) if narrow else ObjectRules()


def open_scenes(networks: Networks) -> SceneClassifier:
    """The classifier of whole pictures, batched across requests."""
    scenes = networks.session("efficientnet-lite2", beside=True)
    return SceneClassifier(Batcher(lambda rgb: scenes.run({"rgb": rgb}, ("logits",))["logits"]))
