"""``custodes models fetch``: archives in, converted models in the store out. The only place that downloads.

Work is grouped by archive, so that each is fetched once. What is complete is kept: a model in the store is not made
again, an archive on disk is not fetched again, and an archive is deleted when all its models are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from custodes.core.errors import UnavailableError
from custodes.models.archives import read_members
from custodes.models.card import Archive, BrowserFiles, Fetchable
from custodes.models.importers.browser import bundle
from custodes.models.importers.convert import MADE_BY, convert
from custodes.models.importers.failure import ImportFailedError
from custodes.models.sources import Tools, obtain
from custodes.models.store import ModelStore


class FetchState(StrEnum):
    """What became of one model."""

    PRESENT = "present"
    """Was here already."""
    MADE = "made"
    """Was fetched and converted."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Fetched:
    """One model after a fetch; ``detail`` is the reason when it is not here."""

    card: Fetchable
    state: FetchState
    detail: str = ""


def fetch(store: ModelStore, cards: Sequence[Fetchable], tools: Tools) -> list[Fetched]:
    """Bring all ``cards`` into the store. Trouble with one archive does not keep the others away.

    Returns:
        What became of each card, in the order given.

    Raises:
        UnavailableError: the store cannot be written.
    """
    results: dict[str, Fetched] = {}
    with store.locked():
        missing: dict[Archive, list[Fetchable]] = {}
        for card in cards:
            if store.has(card):
                results[card.name] = Fetched(card, FetchState.PRESENT)
            else:
                missing.setdefault(card.archive, []).append(card)
        for archive, waiting in missing.items():
            for result in _fetch_archive(store, archive, waiting, tools):
                results[result.card.name] = result
    return [results[card.name] for card in cards]


def _fetch_archive(store: ModelStore, archive: Archive, cards: Sequence[Fetchable], tools: Tools) -> list[Fetched]:
    names = ", ".join(card.name for card in cards)
    try:
        path = obtain(archive, store.downloads, tools)
        pins = [pin for card in cards for pin in card.files]
        files = read_members(path, names, pins)
    except UnavailableError as error:
        detail = error.message if error.message.startswith(f"{names}:") else f"{names}: {error.message}"
        return [Fetched(card, FetchState.FAILED, detail) for card in cards]
    results = []
    for i, card in enumerate(cards):
        tools.progress.report(f"convert {card.name}", i, len(cards))
        try:
            made = bundle(card, files) if isinstance(card, BrowserFiles) else convert(card, files)
            store.install(card, made, MADE_BY)
            results.append(Fetched(card, FetchState.MADE))
        except ImportFailedError as error:
            results.append(Fetched(card, FetchState.FAILED, f"{card.name}: {error.message}"))
    if path.parent == store.downloads and all(result.state is FetchState.MADE for result in results):
        path.unlink(missing_ok=True)
    return results
