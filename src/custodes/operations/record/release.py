"""Digests of what runs, for the ledger's ``boot`` entry: the program, its networks, its configuration.

In: where the program's files are, the version that the networks make, the settings as text. Out: a ``Release``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from custodes.models.card import load_cards
from custodes.operations.record.start import Release


def release_of(program: Path, model_version: str, configuration: str) -> Release:
    """Digests of the program's own files, of the networks' cards with the version they make, of the configuration."""
    digest = hashlib.sha256()
    for path in sorted(program.rglob("*.py")):
        digest.update(path.relative_to(program).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    cards = load_cards()
    models = "\n".join([model_version, *(f"{name} {cards[name].fingerprint}" for name in sorted(cards))])
    return Release(digest.digest(), _sha256(models), _sha256(configuration))


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
