"""What things are called, and what follows from one being there: the tree of labels.

In: ``taxonomy.toml`` beside this file; scores by class of a network. Out: names with parents, aliases and categories,
and confidences of labels and of everything above them. It looks at no pictures.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from custodes.engine.results.face import FloatArray

IntArray = NDArray[np.intp]


class TaxonomyError(ValueError):
    """The taxonomy contradicts itself: a defect of the file, found when it is read."""


@dataclass(frozen=True, slots=True)
class LabelTerm:
    """One label: ``parents`` are all labels above it, nearest first."""

    name: str
    parents: tuple[str, ...]
    aliases: tuple[str, ...]
    categories: tuple[str, ...]


@dataclass(frozen=True)
class Taxonomy:
    """All labels, and the label of each class of each network.

    Attributes:
        terms: by name.
        objects: label of each class of the object detectors.
        scenes: label of each class of the whole-picture classifier; several may share one.
    """

    terms: Mapping[str, LabelTerm]
    objects: tuple[str, ...]
    scenes: tuple[str, ...]

    @cached_property
    def _scene_sums(self) -> tuple[tuple[str, ...], IntArray, IntArray]:
        """Labels that scenes reach; then, for each pair of class and label at or above it, both indexes."""
        reached = [(i, name) for i, leaf in enumerate(self.scenes) for name in (leaf, *self.terms[leaf].parents)]
        names = tuple(sorted({name for _, name in reached}))
        index = {name: at for at, name in enumerate(names)}
        return names, np.array([i for i, _ in reached]), np.array([index[name] for _, name in reached])

    def scene_confidences(self, probabilities: FloatArray, least: float = 0.0) -> dict[str, float]:
        """Probability of each label of at least ``least``: the sum over the classes at or below it, 0 to 1.

        Args:
            probabilities: (classes,) of the whole-picture classifier; they exclude each other and sum to 1.
            least: labels below are left out.
        """
        names, classes, labels = self._scene_sums
        sums = np.bincount(labels, weights=probabilities[classes], minlength=len(names))
        return {names[at]: min(1.0, float(sums[at])) for at in np.flatnonzero(sums >= least)}

    def raised(self, confidences: Mapping[str, float]) -> dict[str, float]:
        """``confidences`` with every label above as sure as the surest below it."""
        result = dict(confidences)
        for name, value in confidences.items():
            for parent in self.terms[name].parents:
                result[parent] = max(result.get(parent, 0.0), value)
        return result


def load_taxonomy() -> Taxonomy:
    """The taxonomy of this package.

    Raises:
        TaxonomyError: the file is wrong.
    """
    return parse_taxonomy(resources.files("custodes.engine.labels").joinpath("taxonomy.toml").read_text("utf-8"))


def parse_taxonomy(text: str) -> Taxonomy:
    """A taxonomy from TOML. Raises TaxonomyError on unknown parents, loops, labels without a category."""
    try:
        document = tomllib.loads(text)
        raw = document["labels"]
        terms = {name: _term(name, raw) for name in raw}
        objects, scenes = (tuple(document["classes"][kind]) for kind in ("objects", "scenes"))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise TaxonomyError(f"taxonomy: {error}") from error
    unknown = {*objects, *scenes} - terms.keys()
    if unknown:
        raise TaxonomyError(f"taxonomy: class {min(unknown)!r} is no label")
    return Taxonomy(terms, objects, scenes)


def _term(name: str, raw: Mapping[str, Mapping[str, Any]]) -> LabelTerm:
    parents: list[str] = []
    waiting = list(raw[name].get("under", ()))
    while waiting:
        parent = waiting.pop(0)
        if parent == name:
            raise TaxonomyError(f"taxonomy: {name!r} is above itself")
        if parent not in parents:
            parents.append(parent)
            waiting += raw[parent].get("under", ())
    return LabelTerm(name, tuple(parents), tuple(raw[name].get("aliases", ())), (_category(name, raw),))


def _category(name: str, raw: Mapping[str, Mapping[str, Any]]) -> str:
    """Its own, else that of the first label above; no loop is left when this is asked."""
    while "category" not in raw[name]:
        if not raw[name].get("under"):
            raise TaxonomyError(f"taxonomy: {name!r} has no category")
        name = raw[name]["under"][0]
    return str(raw[name]["category"])
