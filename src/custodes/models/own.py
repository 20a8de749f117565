"""Networks that the operator brings: a file with its licence, what was measured of it, and a sample answer.

In: ``OwnEmbedder`` values. Out: the same, read back and checked. They lie in the folder of models below ``own``, with
the licence text beside; the converted network is kept like every other, under its card. It converts, calibrates and
opens nothing: see ``deployment.own_models``.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import msgspec

from custodes.core.errors import NotFoundError, UnavailableError
from custodes.core.ids import ModelVersion
from custodes.durable import write_durably
from custodes.models.card import Archive, CardError, FilePin, ModelCard, TensorSpec

SIDE_PX = 112
"""Faces are shown in the frame of ArcFace, which nearly all embedders for free use were trained with."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_FOUR_MIB = 4 << 20
FIRST_NUMBER = 1000
"""Versions of own recipes: 7.1000 and more, ours stay below. A number, since clients read it as one."""


@dataclass(frozen=True, slots=True)
class PixelInput:
    """What a network takes: ``(pixel - mean) * scale`` of RGB or BGR."""

    mean: float = 0.0
    scale: float = 1.0
    bgr: bool = False


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a network comes from, in the operator's words: the SPDX licence, its maker, what it was trained on."""

    licence: str
    origin: str
    training_data: str


@dataclass(frozen=True, slots=True)
class ScoreFit:
    """How scores of the network relate to people, measured on labelled photos.

    Attributes:
        knots: (cosine, percent) points of the curve.
        false_match_rates: (percent, share of pairs of different people that reach it), upper bounds where none did.
        true_match_rates: (percent, share of pairs of one person that reach it).
        genuine, impostor: pairs that the rates are measured on.
    """

    knots: tuple[tuple[float, float], ...]
    false_match_rates: tuple[tuple[float, float], ...]
    true_match_rates: tuple[tuple[float, float], ...]
    genuine: int
    impostor: int


@dataclass(frozen=True, slots=True)
class OwnEmbedder:
    """One network that turns aligned faces into vectors.

    Attributes:
        name: what ``CUSTODES_FACE_EMBEDDER`` names.
        sha256, size: of the file that was brought.
        dimension: length of its vectors.
        fit: what was measured.
        sample: its unit vector of the drawn sample face, which is asked for again whenever it is opened.
    """

    name: str
    sha256: str
    size: int
    dimension: int
    pixels: PixelInput
    provenance: Provenance
    fit: ScoreFit
    sample: tuple[float, ...]

    @property
    def card(self) -> ModelCard:
        """Its card. Raises CardError when a statement is missing."""
        file, pixels = f"{checked_name(self.name)}.onnx", self.pixels
        return ModelCard(
            name=f"own-{self.name}",
            version=self.sha256[:12],
            task=f"Turn an aligned face into a vector of {self.dimension} numbers",
            packs=(),
            licence=self.provenance.licence,
            licence_source="text given when the network was added",
            training_data=self.provenance.training_data,
            origin=self.provenance.origin,
            archive=Archive(f"file:{file}", file, self.sha256, self.size),
            files=(FilePin(file, self.sha256),),
            importer="face-embedder",
            revision=1,
            options={"mean": pixels.mean, "scale": pixels.scale, "channels": "bgr" if pixels.bgr else "rgb"},
            input=TensorSpec("rgb", ("batch", 3, SIDE_PX, SIDE_PX), "aligned face in the frame of ArcFace, RGB 0..255"),
            outputs=(TensorSpec("embedding", ("batch", self.dimension), "vector, not normalised"),),
            golden="its own answer to the sample face when it was added",
        )

    @property
    def recipe_version(self) -> ModelVersion:
        """Changes with anything that changes vectors or what their percentages mean."""
        facts = [self.card.fingerprint, self.fit.knots]
        number = int(hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:8], 16)
        return ModelVersion(f"7.{FIRST_NUMBER + number}")


def checked_name(name: str) -> str:
    """``name`` if a network can be called so. Raises CardError."""
    if not _NAME.fullmatch(name):
        raise CardError(f"{name!r} is no name: small letters, digits and hyphens, 32 at most")
    return name


class OwnNetwork(Protocol):
    """A network that was brought."""

    @property
    def name(self) -> str:
        """What a setting names."""
        ...

    @property
    def card(self) -> ModelCard:
        """Its card. Raises CardError when a statement is missing."""
        ...


Own = TypeVar("Own", bound=OwnNetwork)


class OwnModels(Generic[Own]):
    """What was brought of one kind, below the folder of models."""

    def __init__(self, root: Path, kind: type[Own], folder: str) -> None:
        """Use ``folder`` below ``root`` for values of ``kind``."""
        self._folder, self._kind = root / folder, kind

    def put(self, network: Own, licence_text: bytes) -> None:
        """Keep ``network``; the licence first.

        Raises:
            CardError: a statement is missing, or the licence has no text.
            UnavailableError: the folder cannot be written.
        """
        _ = network.card
        if not licence_text.strip():
            raise CardError("the licence file is empty: a network without licence text is not taken")
        try:
            self._path(network.name, "json").parent.mkdir(parents=True, exist_ok=True)
            write_durably(self._path(network.name, "licence.txt"), licence_text, mode=0o644)
            write_durably(self._path(network.name, "json"), msgspec.json.encode(network), mode=0o644)
        except OSError as error:
            raise UnavailableError(f"the models folder cannot be written: {error.strerror}") from error

    def get(self, name: str) -> Own:
        """The network called ``name``.

        Raises:
            NotFoundError: there is none.
            UnavailableError: its file is damaged.
        """
        if not _NAME.fullmatch(name) or not (path := self._path(name, "json")).is_file():
            raise NotFoundError(f"no network called {name!r} was added; run: custodes models add --help")
        try:
            data = path.read_bytes() if path.stat().st_size <= _FOUR_MIB else b""
            return msgspec.json.decode(data, type=self._kind)
        except (OSError, msgspec.MsgspecError) as error:
            raise UnavailableError(f"{path.name} in the models folder is damaged; add the network again") from error

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def _path(self, name: str, ending: str) -> Path:
        return self._folder / f"{name}.{ending}"


def own_embedders(root: Path) -> OwnModels[OwnEmbedder]:
    """Networks that turn faces into vectors, in the folder of models ``root``."""
    return OwnModels(root, OwnEmbedder, "own")
