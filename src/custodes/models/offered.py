"""Networks for faces that can be added by name, without a file at hand.

In: ``offered.toml`` beside this file. Out: frozen values: where each file lies and what it must hash to, how pixels go
in, its licence with its text, and what is known of its origin. It fetches nothing; ``sources.obtain`` does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from custodes.models.card import Archive
from custodes.models.own import PixelInput, Provenance, checked_name


@dataclass(frozen=True, slots=True)
class OfferedNetwork:
    """One network.

    Attributes:
        name: what it is called when it was added.
        kind: ``embedder``, or the family of a detector.
        dimension: of an embedder, length of its vectors.
        licence_text: what is kept beside it.
    """

    name: str
    kind: str
    archive: Archive
    pixels: PixelInput
    provenance: Provenance
    licence_text: str
    dimension: int | None = None


def load_offered() -> Mapping[str, OfferedNetwork]:
    """All of them by name. Raises CardError when a statement is missing or contradicts itself."""
    text = resources.files("custodes.models").joinpath("offered.toml").read_text("utf-8")
    return {name: _network(name, facts) for name, facts in tomllib.loads(text)["networks"].items()}


def _network(name: str, facts: Mapping[str, Any]) -> OfferedNetwork:
    return OfferedNetwork(
        checked_name(name),
        facts["kind"],
        Archive(**facts["archive"]),
        PixelInput(facts["mean"], facts["scale"], facts["bgr"]),
        Provenance(facts["licence"], facts["origin"], facts["training_data"]),
        facts["licence_text"].strip() + "\n",
        facts.get("dimension"),
    )
