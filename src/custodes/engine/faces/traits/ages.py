"""From what the portrait network says of a face to an interval of age, and to a reading as man or woman.

In: ``PortraitReadings``. Out: an ``AgeRange`` and a ``Judgement`` per face. The network's own years are off by 17 for
people over 70 and by 6 for the young, so small networks of our own read its features beside its years. How often the
interval holds and how often the judgement is right, by group: docs/faces.md. Both are readings of a picture by a
stranger; neither is a fact about a person.

Source of the numbers: our own, fitted by scripts/fit_ages.py on one half of 4,000 labelled faces aged 1 to 110 and
measured by bench/attributes.py on the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from custodes.engine.faces.portrait import PortraitReadings
from custodes.engine.faces.traits.heads import judged
from custodes.engine.results.face import AgeRange, FloatArray, Judgement

_FILE = "ages.npz"
_LEAST = 1e-4
_CENTRE_YEARS, _UNIT_YEARS = 40.0, 20.0
"""What the networks give out is years over this unit, from this centre."""
_WEIGHT_OF_YEARS, _WEIGHT_OF_TEXTURE, _WEIGHT_OF_READING = 1 / 3, 1 / 3, 0.1
"""Many inputs of one kind would drown the others."""

# Log odds of ``man``: slope and shift on the network's own log odds. Of small children it knows next to nothing.
_ADULT_FROM, _CHILD_UNTIL = 18.0, 10.0
_ADULT, _CHILD = (1.38, -1.5), (1.01, -0.11)


@dataclass(frozen=True, slots=True, eq=False)
class AgeNetworks:
    """E small networks whose mean is the age, all arrays float32.

    Attributes:
        shift, scale: (1127,) what is subtracted from and divides each input, in the order of ``inputs``.
        basis: (1024, K) directions of the texture in which faces differ most.
        inner, inner_bias: (E, D, H) and (E, H), D = 103 + K.
        outer, outer_bias: (E, H) and (E,).
        reach_at, reach: (B,) half the interval, in years, by age; holds five of six faces left out in turn.
    """

    shift: FloatArray
    scale: FloatArray
    basis: FloatArray
    inner: FloatArray
    inner_bias: FloatArray
    outer: FloatArray
    outer_bias: FloatArray
    reach_at: FloatArray
    reach: FloatArray

    def project(self, inputs: FloatArray) -> FloatArray:
        """(N, D) from (N, 1127) of ``inputs``: scaled, the texture on its basis."""
        scaled = (inputs - self.shift) / self.scale
        parts = (
            scaled[:, :2],
            scaled[:, 2:102] * _WEIGHT_OF_YEARS,
            scaled[:, 102:-1] @ self.basis * _WEIGHT_OF_TEXTURE,
            scaled[:, -1:] * _WEIGHT_OF_READING,
        )
        return np.hstack(parts)

    def years(self, portraits: PortraitReadings) -> FloatArray:
        """(N,) the age that each face looks."""
        return self.of_inputs(inputs(portraits))

    def of_inputs(self, rows: FloatArray) -> FloatArray:
        """(N,) years from (N, 1127) of ``inputs``."""
        hidden = np.tanh(np.einsum("nd,edh->enh", self.project(rows), self.inner) + self.inner_bias[:, None])
        each = np.einsum("enh,eh->en", hidden, self.outer) + self.outer_bias[:, None]
        return np.asarray(each.mean(axis=0) * _UNIT_YEARS + _CENTRE_YEARS, np.float32)

    def ranges(self, portraits: PortraitReadings) -> list[AgeRange]:
        """The interval for each face: wide where the networks are often wrong."""
        return [self._around(float(centre)) for centre in self.years(portraits)]

    def _around(self, centre: float) -> AgeRange:
        reach = float(np.interp(centre, self.reach_at, self.reach))
        return AgeRange(max(0, int(np.floor(centre - reach))), max(1, int(np.ceil(centre + reach))))


def load_age_networks() -> AgeNetworks:
    """The shipped numbers, stored as float16."""
    with (files("custodes.engine.faces.traits") / _FILE).open("rb") as file, np.load(file, allow_pickle=False) as kept:
        return AgeNetworks(**{name: np.asarray(kept[name], np.float32) for name in kept.files})


def inputs(portraits: PortraitReadings) -> FloatArray:
    """(N, 1127): mean and spread of the network's years, log of each year, texture, log odds of man."""
    middle, spread = moments(portraits.years)
    chance = np.clip(portraits.male, _LEAST, 1.0 - _LEAST)
    columns = (
        middle[:, None],
        spread[:, None],
        np.log(portraits.years + _LEAST),
        portraits.texture,
        np.log(chance / (1.0 - chance))[:, None],
    )
    return np.asarray(np.hstack(columns), np.float32)


def reads_as_man(male: float, middle_years: float) -> Judgement:
    """Man (True) or woman with calibrated confidence; near 50 for small children, of whom the network knows little."""
    chance = min(max(male, 1e-6), 1.0 - 1e-6)
    grown = float(np.interp(middle_years, (_CHILD_UNTIL, _ADULT_FROM), (0.0, 1.0)))
    slope, shift = (grown * adult + (1.0 - grown) * child for adult, child in zip(_ADULT, _CHILD, strict=True))
    return judged(slope * float(np.log(chance / (1.0 - chance))) + shift)


def moments(years: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation, each (N,), of (N, 100) probabilities of the years from 1."""
    axis = np.arange(1, years.shape[1] + 1, dtype=np.float32)
    middle = years @ axis
    return middle, np.sqrt(np.maximum(0.0, years @ axis**2 - middle**2))
