"""Films of somebody who comes closer to a camera and is lit by a screen; and films of attacks that look alike.

In: portraits with the mesh of their face. Out: frames of what a camera would see, by the time in the film. Heads are
drawn with the perspective of their distance (from the mesh's depth), flat copies without; light of the screen is
added to the skin with a lag. Nobody was filmed: what such films cannot show is said in docs/liveness.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from weakref import WeakKeyDictionary

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.liveness.challenge import Oval

Pixels = NDArray[np.uint8]
Floats = NDArray[np.floating]
FPS = 15.0
# In widths of the face: where portraits are taken from, where people hold a phone, and where they fill the oval.
PORTRAIT_AT, FAR_AT = 8.0, 5.0


@dataclass(frozen=True, eq=False)
class Portrait:
    """A picture of a face. ``vertices`` (468, 3) are pixels, depth rising away from the camera; ``points`` (5, 2)."""

    rgb: Pixels
    vertices: Floats
    points: Floats

    @property
    def width(self) -> float:
        """Of the face, as the clients reckon it."""
        eyes, mouth = self.points[:2].mean(axis=0), self.points[3:5].mean(axis=0)
        return float(2.0 * np.hypot(*(self.points[0] - self.points[1])) + 1.8 * np.hypot(*(mouth - eyes))) / 2

    @property
    def centre(self) -> Floats:
        return np.asarray((self.points[:2].mean(axis=0) + self.points[2]) / 2)


@dataclass(frozen=True)
class Light:
    """What the screen shows at a time of the film (R, G, B from 0 to 255), and how much of it comes back, how late."""

    shown: Callable[[float], tuple[float, float, float]]
    share: float = 0.05
    lag_ms: float = 110.0


@dataclass(frozen=True, eq=False)
class Film:
    """One take.

    Attributes:
        far_ms, near_ms: until when the face is far, and from when it fills the oval.
        flat: a copy on paper or a screen instead of a head: no perspective, and the background moves with it.
        second: another head, from ``second_from_ms`` on in place of the first, or beside it.
        noise: standard deviation of the sensor's noise.
        tint: gains of the white balance at the end of the film, against its beginning.
        turn_deg: how far a head turns and nods, or a sheet is tilted by the hand that holds it.
        bend: curvature of a sheet around its upright axis, in 1 / widths of the face; 0 for a level one.
        exposure: gain of all that the camera sees.
    """

    portrait: Portrait
    oval: Oval
    size: tuple[int, int] = (640, 480)
    far_ms: float = 1500.0
    near_ms: float = 5000.0
    end_ms: float = 9000.0
    start_share: float = 0.42
    flat: bool = False
    frozen: bool = False
    light: Light | None = None
    second: Portrait | None = None
    second_from_ms: float = -1.0
    beside: bool = False
    noise: float = 2.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    paper: Callable[[Pixels], Pixels] | None = None
    turn_deg: float = 0.0
    bend: float = 0.0
    exposure: float = 1.0
    seed: int = 0
    _cache: dict[str, object] = field(default_factory=dict)

    def frame(self, ts_ms: float) -> Pixels:
        """What the camera sees."""
        random = np.random.default_rng((self.seed, int(ts_ms)))
        target = self.oval.width * self._share(ts_ms)
        middle = np.array([self.size[0] / 2, self.size[1] / 2])
        goal = np.array([self.oval.centre_x, self.oval.centre_y], np.float64)
        # The client's box hangs a little above the oval's middle; people move their heads a little all the time.
        where = middle + (goal - middle) * self._progress(ts_ms)
        if not self.frozen:
            where = where + 2.0 * np.array([np.sin(ts_ms / 700 + self.seed), np.cos(ts_ms / 900 + self.seed)])
        swapped = self.second is not None and not self.beside and ts_ms >= self.second_from_ms
        head = self.second if swapped and self.second is not None else self.portrait
        colour = self._light(ts_ms)
        seen = self._with(self._background(), head, where, target, ts_ms, colour)
        if self.beside and self.second is not None:
            side = where + np.array([self.size[0] * 0.36, 0.0])
            seen = self._with(seen, self.second, side, target * 0.75, ts_ms, colour)
        drift = 1 + (np.array(self.tint) - 1) * ts_ms / self.end_ms
        gains = (drift * self.exposure).astype(np.float32)
        noise = self._noise()
        shift = random.integers(0, noise.shape[0], 2)
        noisy = seen * gains + np.roll(noise, shift, axis=(0, 1))
        return np.asarray(np.clip(noisy, 0, 255), np.uint8)

    def _noise(self) -> Floats:
        if "noise" not in self._cache:
            random = np.random.default_rng(self.seed + 2)
            self._cache["noise"] = random.normal(0, self.noise, (self.size[1], self.size[0], 3)).astype(np.float32)
        return self._cache["noise"]  # type: ignore[return-value]

    def _progress(self, ts_ms: float) -> float:
        x = (ts_ms - self.far_ms) / (self.near_ms - self.far_ms)
        x = min(1.0, max(0.0, x))
        return x * x * (3 - 2 * x)

    def _share(self, ts_ms: float) -> float:
        if self.frozen:
            return 1.0
        return self.start_share + (1.0 - self.start_share) * self._progress(ts_ms)

    def _light(self, ts_ms: float) -> Floats:
        if self.light is None:
            return np.zeros(3)
        return self.light.share * np.asarray(self.light.shown(ts_ms - self.light.lag_ms), np.float64)

    def _background(self) -> Floats:
        if "background" not in self._cache:
            random = np.random.default_rng(self.seed + 1)
            coarse = random.uniform(60, 190, (6, 8, 1)) + random.uniform(-25, 25, (6, 8, 3))
            smooth = cv2.resize(coarse.astype(np.float32), self.size, interpolation=cv2.INTER_CUBIC)
            self._cache["background"] = np.clip(smooth, 0, 255).astype(np.float32)
        return self._cache["background"]  # type: ignore[return-value]

    def _turn(self, ts_ms: float) -> tuple[float, float]:
        """Radians to a side and up at a time."""
        most = np.radians(self.turn_deg)
        return float(most * np.sin(ts_ms / 830 + self.seed)), float(most * 0.7 * np.cos(ts_ms / 1130 + self.seed))

    def _with(self, seen: Floats, head: Portrait, where: Floats, target: float, ts_ms: float, colour: Floats) -> Floats:
        """``head`` drawn over ``seen`` so that its face is ``target`` pixels wide around ``where``."""
        scale = target / head.width
        distance = FAR_AT * self.start_share / self._share(ts_ms)
        yaw, pitch = self._turn(ts_ms)
        rgb = head.rgb if self.paper is None else self.paper(head.rgb)
        ys, xs = np.mgrid[0 : self.size[1], 0 : self.size[0]].astype(np.float32)
        u, v = (xs - np.float32(where[0])) / np.float32(scale), (ys - np.float32(where[1])) / np.float32(scale)
        if not self.flat:
            depth = _depth_at(head, u, v)
            near = (distance / (distance + depth)) / (PORTRAIT_AT / (PORTRAIT_AT + depth))
            u, v = u / near, v / near
            deep = depth * np.float32(head.width)
            u = (u - deep * np.float32(np.sin(yaw))) / np.float32(np.cos(yaw))
            v = (v - deep * np.float32(np.sin(pitch))) / np.float32(np.cos(pitch))
        else:
            u, v = _on_sheet(u / head.width, v / head.width, (yaw, pitch), self.bend, distance)
            u, v = u * np.float32(head.width), v * np.float32(head.width)
        map_x, map_y = u + np.float32(head.centre[0]), v + np.float32(head.centre[1])
        drawn = cv2.remap(rgb, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        x, y = u / np.float32(head.width), v / np.float32(head.width)
        if colour.any():
            lit = _ellipse(x, y, 0.72, 0.95, 0.06)
            drawn = drawn + lit[..., None] * colour.astype(np.float32) * (0.35 + 0.65 / 255 * drawn)
        if self.flat:
            mask = _sheet(x, y, 1.05, 1.35)
        else:
            mask = np.maximum(_ellipse(x, y, 0.85, 1.15, 0.05), _ellipse(x, y - 2.0, 1.5, 1.15, 0.05))
        return np.asarray(seen + (drawn - seen) * mask[..., None])


def _ellipse(x: Floats, y: Floats, a: float, b: float, soft: float) -> Floats:
    distance = np.hypot(x / a, y / b)
    return np.clip((1 + soft - distance) / soft, 0, 1)


def _on_sheet(
    x: Floats, y: Floats, turn: tuple[float, float], bend: float, distance: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Which place of a sheet, in widths of the face, is seen at (x, y): tilted, and bent around its upright axis."""
    (yaw, pitch), d = turn, max(1.0, distance)
    across = x / np.maximum(0.2, np.cos(yaw) - x * np.sin(yaw) / d)
    down = y * (1 + across * np.sin(yaw) / d)
    level = down / np.maximum(0.2, np.cos(pitch) - down * np.sin(pitch) / d)
    across = across * (1 + level * np.sin(pitch) / d)
    if bend:
        along = np.linspace(-1.5 / bend, 1.5 / bend, 400)
        away = (1 - np.cos(along * bend)) / bend
        seen = np.sin(along * bend) / bend / (1 + away / d)
        rising = slice(int(np.argmin(seen)), int(np.argmax(seen)) + 1)
        across = np.interp(across, seen[rising], along[rising])
        level = level * (1 + (1 - np.cos(across * bend)) / bend / d)
    return across.astype(np.float32), level.astype(np.float32)


def _sheet(x: Floats, y: Floats, a: float, b: float) -> Floats:
    return ((np.abs(x) < a) & (np.abs(y) < b)).astype(np.float32)


_GRID = 96


def _depth_at(head: Portrait, u: Floats, v: Floats) -> Floats:
    """Depth in widths of the face at (u, v), pixels of the portrait around its centre; level outside the face."""
    grid = _depth_grid(head)
    span = 2.0 * head.width
    x = ((u / span + 0.5) * (_GRID - 1)).astype(np.float32)
    y = ((v / span + 0.5) * (_GRID - 1)).astype(np.float32)
    return cv2.remap(grid, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def depth_px(head: Portrait, shape: tuple[int, int]) -> Floats:
    """Depth of each pixel of a picture of ``shape`` that shows ``head``, in pixels, rising away from the camera."""
    ys, xs = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    return np.asarray(_depth_at(head, xs - np.float32(head.centre[0]), ys - np.float32(head.centre[1])) * head.width)


_GRIDS: WeakKeyDictionary[Portrait, NDArray[np.float32]] = WeakKeyDictionary()


def _depth_grid(head: Portrait) -> NDArray[np.float32]:
    if head not in _GRIDS:
        from scipy.interpolate import griddata

        span = 2.0 * head.width
        places = (head.vertices[:, :2] - head.centre) / span + 0.5
        eyes = [33, 263]
        depth = (head.vertices[:, 2] - head.vertices[eyes, 2].mean()) / head.width
        side = np.linspace(0, 1, _GRID)
        gx, gy = np.meshgrid(side, side)
        inside = griddata(places, depth, (gx, gy), method="linear")
        nearest = griddata(places, depth, (gx, gy), method="nearest")
        filled = np.where(np.isnan(inside), nearest, inside).astype(np.float32)
        _GRIDS[head] = cv2.GaussianBlur(filled, (9, 9), 0)
    return _GRIDS[head]


def displayed(
    starts_ms: Sequence[float], colours: Sequence[tuple[int, int, int]], scroll_ms: float = 300.0
) -> Callable[[float], tuple[float, float, float]]:
    """What a screen shows on average while each colour wipes over the one before; black before and after."""

    def shown(ts_ms: float) -> tuple[float, float, float]:
        current = int(np.searchsorted(starts_ms, ts_ms, side="right")) - 1
        if current < 0 or ts_ms > starts_ms[-1] + scroll_ms:
            return 0.0, 0.0, 0.0
        share = 1.0 if current == 0 else min(1.0, (ts_ms - starts_ms[current]) / scroll_ms)
        now, before = np.array(colours[current]), np.array(colours[max(0, current - 1)])
        red, green, blue = (share * now + (1 - share) * before).tolist()
        return red, green, blue

    return shown


def as_shown(first_ms: float, count: int, scroll_ms: float = 300.0, tick_ms: float = 8.0) -> list[float]:
    """When the component shows ``count`` colours from ``first_ms`` on: the second follows the first at once."""
    return [first_ms] + [first_ms + i * (scroll_ms + tick_ms) for i in range(count - 1)]


def write_webm(path: str, film: Film, fps: float = FPS) -> bytes:
    """The film as VP8 in WebM."""
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"VP80"), fps, film.size)
    assert writer.isOpened()
    for number in range(int(film.end_ms * fps / 1000)):
        writer.write(np.ascontiguousarray(film.frame(number * 1000 / fps)[..., ::-1]))
    writer.release()
    return Path(path).read_bytes()


def portrait_of(engine: object, rgb: Pixels) -> Portrait:
    """The largest face of ``rgb`` by a real engine's own steps."""
    seen = engine.steps.finder.find(rgb, 1)  # type: ignore[attr-defined]
    from custodes.engine.faces.geometry.landmarks import five_points

    vertices = np.asarray(seen.meshes[0].vertices_px, np.float64)
    return Portrait(rgb, vertices, np.asarray(five_points(vertices), np.float64))


__all__ = ["Film", "Light", "Portrait", "as_shown", "displayed", "portrait_of", "replace", "write_webm"]
