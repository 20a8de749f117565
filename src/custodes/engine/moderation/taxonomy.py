"""The moderation taxonomy: names with those above them, and what each class of each network stands for.

In: ``taxonomy.toml`` beside this file; shares by class. Out: concerns, with everything above them at least as sure.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from custodes.engine.results.moderation import Concern


@dataclass(frozen=True, slots=True)
class ModerationTaxonomy:
    """Names and meanings.

    Attributes:
        above: the name above each name; empty at the first level.
        whole: name by class of the whole-picture classifier.
        labels: label names by moderation name.
        parts: name by kind of the body part detector.
    """

    above: Mapping[str, str]
    whole: Mapping[str, str]
    labels: Mapping[str, tuple[str, ...]]
    parts: Mapping[str, str]

    def level(self, name: str) -> int:
        """1 to 3."""
        return 1 + self.level(self.above[name]) if self.above[name] else 1

    def concerns(self, shares: Mapping[str, float], min_confidence_pct: float) -> tuple[Concern, ...]:
        """All names at or above ``min_confidence_pct``, surest first, then from the first level down.

        Args:
            shares: confidence of names, 0 to 1; names above them follow.
            min_confidence_pct: what is less sure is left out.
        """
        raised: dict[str, float] = {}
        for name, share in shares.items():
            at = name
            while at:
                raised[at] = max(raised.get(at, 0.0), share)
                at = self.above[at]
        found = [Concern(name, self.above[name], self.level(name), 100.0 * share) for name, share in raised.items()]
        rows = [concern for concern in found if concern.confidence_pct >= min_confidence_pct]
        return tuple(sorted(rows, key=lambda concern: (-concern.confidence_pct, concern.level, concern.name)))


def load_moderation_taxonomy() -> ModerationTaxonomy:
    """The taxonomy of this package."""
    text = resources.files("custodes.engine.moderation").joinpath("taxonomy.toml").read_text("utf-8")
    document = tomllib.loads(text)
    labels = {name: tuple(members) for name, members in document["labels"].items()}
    return ModerationTaxonomy(document["above"], document["whole"], labels, document["parts"])
