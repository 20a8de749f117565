"""Does a face reflect the colours that the screen showed, in the order in which it showed them?

In: mean colours of face and of what is beside it, frame by frame, and when each colour began to be shown. Out: how well
the one follows the other, how that compares with other orders, and after how long. It looks at no pixels.

What counts is how the face's colour differs from that of its neighbourhood (as logarithms of ratios), so a camera that
shifts its white balance while the colours run shifts nothing here. How much light comes back, and how late it is seen,
are not known: both are looked for, for the true order and in the same way for others that were not shown. The share of
those that fit as well is the chance that somebody who did not know the order would look like this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.liveness.challenge import DisplayedColour

Floats = NDArray[np.float64]

ORDERS = 400
"""Other orders that the true one is held against."""
LAGS_MS = np.arange(-75.0, 525.0, 25.0)
"""From a colour on the screen to its frame in the video. Source: 100 to 175 ms in trials; slower cameras exist."""
MIN_SAMPLES = 12
_MARGIN_MS = 400
"""Of the video before the first colour and behind the last that is looked at, too."""
_SHORTEST, _LONGEST_OVER_MS = 0.7, 400
_FLOOR = 2.0
"""Added to 0..255, so that black has a colour."""


@dataclass(frozen=True, slots=True)
class ColourSample:
    """One frame: mean RGB (0 to 255) of the skin, and of what is beside the face."""

    ts_ms: float
    face: tuple[float, float, float]
    beside: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Reflection:
    """What the colours say.

    Attributes:
        correlation: with the true order at its best lag, 0 to 1.
        chance: share of other orders that fit as well or better, from 1 / (ORDERS + 1) to 1.
        lag_ms: at which the true order fits best.
        strength: standard deviation of what follows the colours, in units of the logarithm of colour ratios.
    """

    correlation: float
    chance: float
    lag_ms: float
    strength: float


NO_REFLECTION = Reflection(0.0, 1.0, 0.0, 0.0)
"""Where there is nothing to tell by."""


def plausible_starts(starts_ms: Sequence[float], colours: Sequence[DisplayedColour]) -> bool:
    """Whether colours can have been shown at these times of the video: all of them, each about as long as was asked."""
    if len(starts_ms) != len(colours) or starts_ms[0] < 0:
        return False
    for i in range(1, len(colours)):
        shown, asked = starts_ms[i] - starts_ms[i - 1], colours[i - 1].scroll_ms + colours[i - 1].flat_ms
        # The component goes on from the first colour at once.
        if not (i == 1 or shown >= _SHORTEST * asked) or not 0 <= shown <= asked + _LONGEST_OVER_MS:
            return False
    return True


def reflection(
    samples: Sequence[ColourSample], starts_ms: Sequence[float], colours: Sequence[DisplayedColour], seed: int
) -> Reflection:
    """What ``samples`` say of ``colours`` that began at ``starts_ms``; other orders are drawn by ``seed``."""
    if not plausible_starts(starts_ms, colours):
        return NO_REFLECTION
    end_ms = starts_ms[-1] + colours[-1].scroll_ms + colours[-1].flat_ms
    used = [one for one in samples if starts_ms[0] - _MARGIN_MS <= one.ts_ms <= end_ms + _MARGIN_MS]
    if len(used) < MIN_SAMPLES:
        return NO_REFLECTION
    times = np.array([one.ts_ms for one in used])
    seen = _without_trend(_ratios([one.face for one in used]) - _ratios([one.beside for one in used]), times)
    orders = np.concatenate([[_chroma([one.rgb for one in colours])], _other_orders(colours, seed)])
    scores = np.empty((len(LAGS_MS), len(orders)))
    for row, lag in enumerate(LAGS_MS):
        shown = _shown(times - lag, np.asarray(starts_ms, np.float64), colours, orders)
        scores[row] = _fit(seen, _without_trend(shown, times))
    best = scores.max(axis=0)
    true = float(best[0])
    return Reflection(
        correlation=true,
        chance=(1 + int((best[1:] >= true).sum())) / len(orders),
        lag_ms=float(LAGS_MS[int(scores[:, 0].argmax())]),
        strength=true * float(np.sqrt((seen**2).mean())),
    )


def _ratios(rgb: Sequence[tuple[float, float, float]]) -> Floats:
    """(N, 2): log R/G and log B/G."""
    logs = np.log(np.asarray(rgb, np.float64) + _FLOOR)
    return np.stack([logs[:, 0] - logs[:, 1], logs[:, 2] - logs[:, 1]], axis=1)


def _chroma(rgb: Sequence[tuple[int, int, int]]) -> Floats:
    """(N, 2) of displayed colours: R - G and B - G, -1 to 1."""
    values = np.asarray(rgb, np.float64) / 255
    return np.stack([values[:, 0] - values[:, 1], values[:, 2] - values[:, 1]], axis=1)


def _other_orders(colours: Sequence[DisplayedColour], seed: int) -> Floats:
    """(ORDERS, colours, 2): the same hues, as the server might have drawn them."""
    random = np.random.default_rng(seed)
    palette = sorted({one.rgb for one in colours})
    orders = []
    for _ in range(ORDERS):
        order = [int(random.integers(len(palette)))]
        while len(order) < len(colours):
            step = int(random.integers(1, len(palette))) if len(palette) > 1 else 0
            order.append((order[-1] + step) % len(palette))
        orders.append(_chroma([palette[i] for i in order]))
    return np.stack(orders)


def _shown(times: Floats, starts: Floats, colours: Sequence[DisplayedColour], orders: Floats) -> Floats:
    """(orders, times, 2): what the screen shows on average, while each colour wipes over the one before."""
    current = np.searchsorted(starts, times, side="right") - 1
    index = np.clip(current, 0, len(colours) - 1)
    scroll = np.array([one.scroll_ms for one in colours], np.float64)
    flat = np.array([one.flat_ms for one in colours], np.float64)
    share = np.clip((times - starts[index]) / np.maximum(scroll[index], 1.0), 0.0, 1.0)
    share[index == 0] = 1.0
    on = (current >= 0) & (times <= starts[-1] + scroll[-1] + flat[-1])
    mixed = share[:, None] * orders[:, index] + (1 - share)[:, None] * orders[:, np.maximum(index - 1, 0)]
    return np.asarray(mixed * on[:, None], np.float64)


def _without_trend(values: Floats, times: Floats) -> Floats:
    """``values`` (..., N, 2) without what a slow change explains: a parabola over time."""
    scaled = (times - times.mean()) / max(1.0, float(np.ptp(times)))
    basis, _ = np.linalg.qr(np.stack([np.ones_like(scaled), scaled, scaled**2], axis=1))
    return np.asarray(values - basis @ (basis.T @ values), np.float64)


def _fit(seen: Floats, shown: Floats) -> Floats:
    """(orders,): root of the share of ``seen`` that each of ``shown`` explains, each channel with a gain of its own."""
    inner = np.einsum("nc,onc->oc", seen, shown)
    power = np.einsum("onc,onc->oc", shown, shown)
    explained = np.where(inner > 0, inner**2 / np.maximum(power, 1e-12), 0.0).sum(axis=1)
    return np.asarray(np.sqrt(explained / max(float((seen**2).sum()), 1e-12)), np.float64)
