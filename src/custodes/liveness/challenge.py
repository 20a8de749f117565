"""Challenges: which one client and server agree on, and what is asked of whoever stands before the camera.

In: what the application prefers and the client can do, the size of the video, unpredictable bytes. Out: a challenge
that nobody could know before: where the oval is, and which colours the screen shows in which order. It judges no video.

Sources: version numbers and durations as the clients of Amplify send and expect them (ui-react-liveness 3.6.8).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from custodes.core.box import BoxPx, Size
from custodes.core.errors import InvalidParameterError

Randomness = Callable[[int], bytes]
"""Gives that many unpredictable bytes, like ``os.urandom``."""
Rgb = tuple[int, int, int]
ChallengeVersion = tuple[int, int, int]

OVAL_HEIGHT_WIDTH = 1.618
COLOURS = 10
SCROLL_MS, FIRST_FLAT_MS = 300, 100
FIT_TIMEOUT_MS = 7_000
_PALETTE: tuple[Rgb, ...] = (
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (0, 255, 255),
    (255, 0, 255),
    (255, 255, 0),
)
"""Full hues only: what comes back of a screen is told by its colour, not by its brightness."""
_OFFERED = re.compile(r"([A-Za-z]{1,64})_(\d{1,3}\.\d{1,3}\.\d{1,3})")


class ChallengeType(StrEnum):
    """What is asked (API enum)."""

    LIGHT = "FaceMovementAndLightChallenge"
    """Come closer, then see colours on the screen."""
    MOVEMENT = "FaceMovementChallenge"
    """Come closer."""


SUPPORTED: dict[ChallengeType, ChallengeVersion] = {ChallengeType.LIGHT: (2, 0, 0), ChallengeType.MOVEMENT: (1, 0, 0)}
"""The one version of each that this server asks."""


@dataclass(frozen=True, slots=True)
class ChallengePreference:
    """A challenge that an application accepts, with the versions between ``minimum`` and ``maximum`` (as text)."""

    kind: ChallengeType
    minimum: str = "0.0.0"
    maximum: str = "999.999.999"

    def accepts(self, version: ChallengeVersion) -> bool:
        """Whether ``version`` is among them."""
        return version_of(self.minimum) <= version <= version_of(self.maximum)


DEFAULT_PREFERENCES = (ChallengePreference(ChallengeType.LIGHT),)
"""Source: API reference, CreateFaceLivenessSession."""


@dataclass(frozen=True, slots=True)
class Oval:
    """Where the face is to be in the end: centre, width and height in pixels of the unflipped video."""

    centre_x: int
    centre_y: int
    width: int
    height: int

    @property
    def box(self) -> BoxPx:
        """The box around it."""
        left, top = self.centre_x - self.width / 2, self.centre_y - self.height / 2
        return BoxPx(left, top, left + self.width, top + self.height)


@dataclass(frozen=True, slots=True)
class DisplayedColour:
    """A colour that wipes over the screen from above in ``scroll_ms``, then stays for ``flat_ms``."""

    rgb: Rgb
    scroll_ms: int
    flat_ms: int


@dataclass(frozen=True, slots=True)
class LivenessChallenge:
    """One challenge of one session. ``colours`` are empty for movement alone."""

    kind: ChallengeType
    version: ChallengeVersion
    video: Size
    oval: Oval
    colours: tuple[DisplayedColour, ...] = ()

    def digest(self) -> str:
        """SHA-256 in hexadecimal, for the record, of what the client was told, as docs/liveness.md spells it."""
        oval = self.oval
        told = {
            "challenge": [self.kind.value, version_text(self.version)],
            "colours": [[*one.rgb, one.scroll_ms, one.flat_ms] for one in self.colours],
            "oval": [oval.centre_x, oval.centre_y, oval.width, oval.height],
            "video": [self.video.width, self.video.height],
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def version_text(version: ChallengeVersion) -> str:
    """As the API writes it."""
    return ".".join(map(str, version))


def version_of(text: str) -> ChallengeVersion:
    """Inverse of ``version_text``, for text that has its form."""
    major, minor, patch = (int(part) for part in text.split("."))
    return major, minor, patch


def offered(text: str) -> dict[ChallengeType, set[ChallengeVersion]]:
    """What a client says that it can do: ``Name_M.m.p`` separated by commas. Unknown names are left out.

    Raises:
        InvalidParameterError: it has another form.
    """
    found: dict[ChallengeType, set[ChallengeVersion]] = {}
    for part in text.split(","):
        match = _OFFERED.fullmatch(part)
        if match is None:
            raise InvalidParameterError("ChallengeVersions is not of the form Name_1.0.0,Name_1.0.0")
        if match[1] in list(ChallengeType):
            found.setdefault(ChallengeType(match[1]), set()).add(version_of(match[2]))
    return found


def agreed(
    preferences: Sequence[ChallengePreference], client: dict[ChallengeType, set[ChallengeVersion]]
) -> ChallengeType:
    """The first of ``preferences`` that the client offers in the version that this server asks.

    Raises:
        InvalidParameterError: there is none.
    """
    for preference in preferences or DEFAULT_PREFERENCES:
        version = SUPPORTED[preference.kind]
        if preference.accepts(version) and version in client.get(preference.kind, ()):
            return preference.kind
    known = ", ".join(f"{kind} {version_text(version)}" for kind, version in SUPPORTED.items())
    raise InvalidParameterError(
        f"No challenge suits the session's preferences and the client; this server asks {known}."
    )


def draw(kind: ChallengeType, video: Size, randomness: Randomness) -> LivenessChallenge:
    """A challenge for a video of ``video`` pixels."""
    colours = tuple(draw_colours(randomness)) if kind is ChallengeType.LIGHT else ()
    return LivenessChallenge(kind, SUPPORTED[kind], video, draw_oval(video, randomness), colours)


def draw_oval(video: Size, randomness: Randomness) -> Oval:
    """An oval near the middle that lies within the picture, and is large: to fill it the face has to come close."""
    across = min(video.width, video.height * 3 / 4)
    widest = min(0.8 * across, (video.height - 4) / OVAL_HEIGHT_WIDTH)
    width = int(widest * (0.92 + 0.08 * _share(randomness)))
    height = int(width * OVAL_HEIGHT_WIDTH)
    return Oval(
        _within(video.width, width, _share(randomness)),
        _within(video.height, height, _share(randomness)),
        width,
        height,
    )


def draw_colours(randomness: Randomness) -> Iterable[DisplayedColour]:
    """Colours in an order of 6 * 5**9 (23 bits), none beside itself."""
    last: Rgb | None = None
    for number in range(COLOURS):
        left = [rgb for rgb in _PALETTE if rgb != last]
        last = left[_below(len(left), randomness)]
        yield DisplayedColour(last, SCROLL_MS, 0 if number else FIRST_FLAT_MS)


def _within(length: int, size: int, share: float) -> int:
    """A centre in the middle eighth of ``length``, as far as ``size`` around it fits."""
    centre = length * (7 + 2 * share) / 16
    least = size / 2 + 1
    return int(min(max(centre, least), length - least))


def _share(randomness: Randomness) -> float:
    return _below(1 << 16, randomness) / (1 << 16)


def _below(limit: int, randomness: Randomness) -> int:
    """A number below ``limit``, all alike likely: of 64 bits, what is left over is not felt."""
    return int.from_bytes(randomness(8), "big") % limit
