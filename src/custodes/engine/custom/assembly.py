"""The engine of custom labels from opened networks. It fetches nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from custodes.engine.custom.backbone import Backbone
from custodes.engine.custom.cells import CELL_OUTPUTS
from custodes.engine.custom.pipeline import CustomLabelPipeline
from custodes.engine.results.face import FloatArray
from custodes.engine.runtime.batch import Batcher
from custodes.engine.runtime.networks import Networks
from custodes.models.card import load_cards

DEFAULT_BACKBONE = "efficientnet-lite2"
_FEATURES = "features"


class CardBackbones(Mapping[str, Backbone]):
    """Every network whose card has features, the default first; each is opened when it is first asked for."""

    def __init__(self, networks: Networks) -> None:
        """Open those of ``networks``."""
        self._networks = networks
        found = [card.name for card in load_cards().values() if _FEATURES in {tensor.name for tensor in card.outputs}]
        self._names = sorted(found, key=lambda name: name != DEFAULT_BACKBONE)
        self._opened: dict[str, Backbone] = {}

    def __getitem__(self, name: str) -> Backbone:
        """Raises KeyError for a name that none has, UnavailableError for one that was not fetched."""
        if name not in self._names:
            raise KeyError(name)
        if name not in self._opened:
            # Twice at once does no harm: sessions are shared.
            self._opened[name] = _backbone(self._networks, name)
        return self._opened[name]

    def __iter__(self) -> Iterator[str]:
        """Names."""
        return iter(self._names)

    def __len__(self) -> int:
        """How many."""
        return len(self._names)


def open_custom_labels(networks: Networks) -> CustomLabelPipeline:
    """Open what custom labels need.

    Raises:
        UnavailableError: a model that they need by default is missing, altered or cannot be opened.
    """
    detector, backbones = networks.session("nanodet", beside=True, exact=True), CardBackbones(networks)
    backbones[DEFAULT_BACKBONE]
    return CustomLabelPipeline(backbones, lambda planes: detector.run({"rgb": planes}, CELL_OUTPUTS))


def _backbone(networks: Networks, name: str) -> Backbone:
    session = networks.session(name)

    def run(rgb: NDArray[np.generic]) -> FloatArray:
        return session.run({"rgb": rgb}, (_FEATURES,))[_FEATURES]

    side_px = session.card.input.shape[-1]
    assert isinstance(side_px, int)
    return Backbone(name, side_px, Batcher(run))
