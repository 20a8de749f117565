"""Networks that the operator brings: a file with its licence, what was measured of it, and a sample answer.

In: ``OwnEmbedder`` values. Out: the same, read back and checked. They lie in the folder of models below ``own``, with
the licence text beside; the converted network is kept like every other, under its card. It converts, calibrates and
opens nothing: see ``deployment.own_models``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
        purpose = NetworkPurpose(
            prefix="own",
            task=f"Turn an aligned face into a vector of {self.dimension} numbers",
            importer="face-embedder",
            golden="its own answer to the sample face when it was added",
            input=TensorSpec("rgb", ("batch", 3, SIDE_PX, SIDE_PX), "aligned face in the frame of ArcFace, RGB 0..255"),
            outputs=(TensorSpec("embedding", ("batch", self.dimension), "vector, not normalised"),),
        )
        return own_card(self, purpose)

    @property
    def recipe_version(self) -> ModelVersion:
        """Changes with anything that changes vectors or what their percentages mean."""
        return own_version([self.card.fingerprint, self.fit.knots])


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
    def sha256(self) -> str:
        """Of the file that was brought, hexadecimal."""
        ...

    @property
    def size(self) -> int:
        """Of that file, bytes."""
        ...

    @property
    def pixels(self) -> PixelInput:
        """What it takes."""
        ...

    @property
    def provenance(self) -> Provenance:
        """Where it comes from."""
        ...

    @property
    def card(self) -> ModelCard:
        """Its card. Raises CardError when a statement is missing."""
        ...


@dataclass(frozen=True, slots=True)
class NetworkPurpose:
    """What the card of a brought network says of its kind.

    Attributes:
        prefix: of the card's name, apart from those of other kinds and of what ships.
        options: for the importer, beside how pixels go in.
    """

    prefix: str
    task: str
    importer: str
    golden: str
    input: TensorSpec
    outputs: tuple[TensorSpec, ...]
    options: Mapping[str, str] = field(default_factory=dict)


def own_card(network: OwnNetwork, purpose: NetworkPurpose) -> ModelCard:
    """The card of ``network``. Raises CardError when a statement is missing."""
    file, pixels = f"{checked_name(network.name)}.onnx", network.pixels
    return ModelCard(
        name=f"{purpose.prefix}-{network.name}",
        version=network.sha256[:12],
        task=purpose.task,
        packs=(),
        licence=network.provenance.licence,
        licence_source="text given when the network was added",
        training_data=network.provenance.training_data,
        origin=network.provenance.origin,
        archive=Archive(f"file:{file}", file, network.sha256, network.size),
        files=(FilePin(file, network.sha256),),
        importer=purpose.importer,
        revision=1,
        options={
            **purpose.options,
            "mean": pixels.mean,
            "scale": pixels.scale,
            "channels": "bgr" if pixels.bgr else "rgb",
        },
        input=purpose.input,
        outputs=purpose.outputs,
        golden=purpose.golden,
    )


def own_version(facts: Sequence[object]) -> ModelVersion:
    """A version of vectors that changes with any of ``facts``, which are JSON values."""
    number = int(hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:8], 16)
    return ModelVersion(f"7.{FIRST_NUMBER + number}")


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
