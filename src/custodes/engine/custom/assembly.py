"""The engine of custom labels from opened networks. It fetches nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from custodes.engine.custom.backbone import Backbone
from custodes.engine.custom.cells import CELL_OUTPUTS
from custodes.engine.custom.pipeline import CustomLabelPipeline
from custodes.engine.results.face import FloatArray
from custodes.engine.runtime.batch import Batcher
from custodes.engine.runtime.networks import Networks

DEFAULT_BACKBONE = "efficientnet-lite2"
_FEATURES = "features"


def open_custom_labels(networks: Networks) -> CustomLabelPipeline:
    """Open what custom labels need.

    Raises:
        UnavailableError: a model is missing, altered or cannot be opened.
    """
    detector = networks.session("nanodet")
    backbone = _backbone(networks, DEFAULT_BACKBONE)
    return CustomLabelPipeline({backbone.name: backbone}, lambda planes: detector.run({"rgb": planes}, CELL_OUTPUTS))


def _backbone(networks: Networks, name: str) -> Backbone:
    session = networks.session(name)

    def run(rgb: NDArray[np.generic]) -> FloatArray:
        return session.run({"rgb": rgb}, (_FEATURES,))[_FEATURES]

    side_px = session.card.input.shape[-1]
    assert isinstance(side_px, int)
    return Backbone(name, side_px, Batcher(run))
