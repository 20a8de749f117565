"""Networks of the operator's own that find faces: SCRFD, YuNet, RetinaFace, and what was measured of one.

In and out: frozen values, and their cards. The folder they lie in is that of ``models.own``; grids of anchors are
decoded in ``engine.faces.detection.anchors``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from custodes.core.ids import ModelVersion
from custodes.models.card import ModelCard, TensorSpec
from custodes.models.own import NetworkPurpose, OwnModels, PixelInput, Provenance, own_card, own_version


class DetectorFamily(StrEnum):
    """How the outputs of a detector are read."""

    SCRFD = "scrfd"
    YUNET = "yunet"
    RETINAFACE = "retinaface"


OUTPUTS = {
    DetectorFamily.SCRFD: {"scores": 1, "boxes": 4, "points": 10},
    DetectorFamily.YUNET: {"scores": 1, "presence": 1, "boxes": 4, "points": 10},
    DetectorFamily.RETINAFACE: {"boxes": 4, "scores": 2, "points": 10},
}
"""Names of a family's outputs in the order of its files, and the numbers for each anchor."""


@dataclass(frozen=True, slots=True)
class DetectorFit:
    """How a detector does on photos, beside the one that ships.

    Attributes:
        knots: (its score, score of the detector that ships that is as often a face), both rising from 0 to 1. The mesh
            decides what is a face.
        photos: how many were looked at.
        both, only_own, only_shipped: faces that the mesh confirms, found at the score from which faces are told.
        not_faces, not_faces_shipped: what was found at that score and the mesh does not confirm.
    """

    knots: tuple[tuple[float, float], ...]
    photos: int
    both: int
    only_own: int
    only_shipped: int
    not_faces: int
    not_faces_shipped: int


@dataclass(frozen=True, slots=True)
class OwnDetector:
    """One network that finds faces and their five points.

    Attributes:
        name: what ``CUSTODES_FACE_DETECTOR`` names.
        sha256, size: of the file that was brought.
        fit: what was measured.
        sample: sums over its answer to a drawn picture, which is asked for again whenever it is opened.
    """

    name: str
    sha256: str
    size: int
    family: DetectorFamily
    pixels: PixelInput
    provenance: Provenance
    fit: DetectorFit
    sample: tuple[float, ...]

    @property
    def card(self) -> ModelCard:
        """Its card. Raises CardError when a statement is missing."""
        shapes = OUTPUTS[self.family].items()
        purpose = NetworkPurpose(
            prefix="own-detector",
            task="Find faces and their five points",
            importer="face-detector",
            golden="its own answer to the sample picture when it was added",
            input=TensorSpec("rgb", (1, 3, "height", "width"), "picture, RGB 0..255, sides multiples of 32"),
            outputs=tuple(TensorSpec(name, (1, "anchors", size), "per anchor") for name, size in shapes),
            options={"family": self.family.value},
        )
        return own_card(self, purpose)


def combined_version(embedder: ModelVersion, detector: OwnDetector) -> ModelVersion:
    """The version of vectors of ``embedder`` from faces that ``detector`` placed: other points, other vectors."""
    return own_version([embedder, detector.card.fingerprint, detector.fit.knots])


def own_detectors(root: Path) -> OwnModels[OwnDetector]:
    """Networks that find faces, in the folder of models ``root``."""
    return OwnModels(root, OwnDetector, "own-detectors")
