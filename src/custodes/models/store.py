"""The folder of converted models.

In: cards. Out: paths of ONNX files that are the ones we converted. Each file has a record beside it with its digest;
both are written atomically. The converted bytes are not pinned in the card, because folding in float64 may differ in
the last bit between processors: the pins are on what is converted, the record on what came out. It converts and fetches
nothing; see fetch.py.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.durable import write_durably
from custodes.models.archives import ModelFileError, sha256_of
from custodes.models.card import Fetchable


class ModelMissingError(UnavailableError):
    """A model was never fetched. The message says which and what to do."""


def missing_models(cards: Sequence[Fetchable]) -> ModelMissingError:
    """One error for all of ``cards``, with the one command that fetches them."""
    names = [card.name for card in cards]
    wanted = "" if all(card.default for card in cards) else f" {' '.join(names)}"
    told = f"the model {names[0]} is" if len(names) == 1 else f"the models {', '.join(names)} are"
    return ModelMissingError(f"{told} not here; run: custodes models fetch{wanted}")


class ModelState(StrEnum):
    """What ``ModelStore.verify`` found."""

    READY = "ready"
    MISSING = "missing"
    ALTERED = "altered"


@dataclass(frozen=True, slots=True)
class StoredModel:
    """One model in the store; ``detail`` names the trouble, empty when ready."""

    card: Fetchable
    state: ModelState
    detail: str = ""


def default_root(environment: Mapping[str, str]) -> Path:
    """Where converted models are kept unless a setting says otherwise: ``custodes/models`` in the user's cache.

    Source: XDG base directory specification; a relative ``XDG_CACHE_HOME`` is ignored as it demands.
    """
    cache = Path(environment.get("XDG_CACHE_HOME", ""))
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "custodes" / "models"


class ModelStore:
    """Converted models below one folder. Safe to use from several processes."""

    def __init__(self, root: Path) -> None:
        """Use ``root``, which need not exist yet."""
        self.root = root

    @property
    def downloads(self) -> Path:
        """Where archives wait for conversion."""
        return self.root / "downloads"

    def path(self, card: Fetchable) -> Path:
        """The card's ONNX file, its digest checked.

        Raises:
            ModelMissingError: it was not fetched.
            ModelFileError: it is not the file that was converted.
        """
        path = self._file(card)
        record = self._record(card)
        if not path.is_file() or not record.is_file():
            raise ModelMissingError(f"model {card.name} is not here; run: custodes models fetch {card.name}")
        expected = self._digest(card, record)
        if sha256_of(path) != expected:
            raise ModelFileError(f"{card.name}: {path.name} was altered; run: custodes models fetch {card.name}")
        return path

    def verify(self, cards: Iterable[Fetchable]) -> list[StoredModel]:
        """Check every card's file again."""
        return [self._verified(card) for card in cards]

    def missing(self, cards: Iterable[Fetchable]) -> list[Fetchable]:
        """Cards whose files are not here; what is in the files is not looked at."""
        return [card for card in cards if not (self._file(card).is_file() and self._record(card).is_file())]

    def has(self, card: Fetchable) -> bool:
        """Whether the card's file is here and whole."""
        return self._verified(card).state is ModelState.READY

    def install(self, card: Fetchable, content: bytes, made_by: str) -> Path:
        """Put a converted file in place: the file first, then the record that makes it count.

        Raises:
            UnavailableError: the folder cannot be written.
        """
        facts = {
            "model": card.name,
            "version": card.version,
            "fingerprint": card.fingerprint,
            "sources": {source: pin.sha256 for source, pin in zip(card.sources, card.files, strict=True)},
            "made_by": made_by,
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        try:
            self._write(self._file(card), content)
            self._write(self._record(card), json.dumps(facts, indent=1).encode() + b"\n")
        except OSError as error:
            raise self._unwritable(error) from error
        return self._file(card)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store alone; another process that fetches waits.

        Raises:
            UnavailableError: the folder cannot be written.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _unwritable(self, error: OSError) -> UnavailableError:
        reason = f"the folder of models {self.root} cannot be written: {error.strerror}"
        return UnavailableError(f"{reason}; CUSTODES_MODELS names another")

    def _verified(self, card: Fetchable) -> StoredModel:
        try:
            self.path(card)
        except ModelMissingError as error:
            return StoredModel(card, ModelState.MISSING, error.message)
        except ModelFileError as error:
            return StoredModel(card, ModelState.ALTERED, error.message)
        return StoredModel(card, ModelState.READY)

    def _file(self, card: Fetchable) -> Path:
        return self.root / f"{card.name}-{card.version}-{card.fingerprint}{card.suffix}"

    def _record(self, card: Fetchable) -> Path:
        return self._file(card).with_suffix(".json")

    def _digest(self, card: Fetchable, record: Path) -> str:
        try:
            facts = json.loads(record.read_bytes())
            digest = facts["sha256"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelFileError(f"{card.name}: {record.name} is broken; run: custodes models fetch") from error
        return str(digest)

    def _write(self, path: Path, data: bytes) -> None:
        # Weights are public; a service under another user may share the folder.
        write_durably(path, data, 0o644)
