"""Looks at a received video: which frames are decoded, which are looked at for faces, and what is found in them.

In: a slot, a file or a pipe, the challenge, and when its colours were shown. Out: evidence and a few pictures. A frame
is looked at four times a second and its colours are read from each, so looking takes less time than the video did, and
is over soon after the video is where it began with it. Frames are dropped as they come; it judges nothing and stores
nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from custodes.core.box import BoxPx, BoxRatio
from custodes.core.errors import VideoFormatError, VideoTooLargeError
from custodes.core.slot import Slot
from custodes.engine.ports import FaceEngine
from custodes.engine.results.face import Detail, DetectedFace, FloatArray, Trait, VectorUse
from custodes.imaging.image import Image, RgbArray, encode_jpeg
from custodes.liveness.approach import OvalLook, approach, face_box
from custodes.liveness.challenge import LivenessChallenge
from custodes.liveness.judgement import LivenessEvidence
from custodes.liveness.parallax import USUAL_HEAD
from custodes.liveness.reflection import ColourSample, reflection
from custodes.liveness.session import MAX_AUDIT_PICTURES, MAX_PICTURE_BYTES, SessionPicture
from custodes.liveness.skin import colour_sample
from custodes.video.formats.facts import VideoFacts
from custodes.video.formats.matroska import CONTAINER as WEBM
from custodes.video.frames import DecodingPlan, FrameSource, VideoFrame

MAX_DURATION_MS = 60_000
MAX_FRAMES = 2_000
FOLLOWED = frozenset({WEBM})
"""Containers whose frames can be read before their end is there. Browsers but Safari record WebM."""
_USUAL_RATE = Fraction(15)
LOOK_MS, CLOSE_LOOK_MS = 240, 100
"""From one look at a face to the next: where colours follow, and where the approach is all there is to see."""
_FAR = 5 / 3
"""Looks at small faces, which take longer to find, are that much rarer."""
_SEEN_WIDTH_PX = 104.0
"""Frames are shrunk until the face is this wide: it is found as well, in a fraction of the time."""
_PASSIVE_WIDTH_PX, _PASSIVE_AROUND = 200.0, 0.35
"""Passive liveness needs a face's own pixels, of which a near one has more than it can use."""
_EMBED_EVERY = 6
MAX_KEPT = 16
"""Pictures at most that wait for the end, 200 kB each."""
_PASSIVE_LOOKS = 2
_QUALITIES = (90, 75, 60, 40, 20)


@dataclass(frozen=True, slots=True)
class LivenessFindings:
    """What a video showed: evidence, how many frames were read, and pictures, the best first."""

    evidence: LivenessEvidence
    frames: int
    pictures: tuple[SessionPicture, ...] = ()


@dataclass(slots=True)
class LookedAt:
    """What was seen so far; filled in while frames come."""

    sightings: list[OvalLook] = field(default_factory=list)
    samples: list[ColourSample] = field(default_factory=list)
    vectors: list[FloatArray] = field(default_factory=list)
    eyes: list[bool] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)
    pictures: list[tuple[float, int, SessionPicture]] = field(default_factory=list)
    parts: deque[Image] = field(default_factory=lambda: deque(maxlen=_PASSIVE_LOOKS))
    box: BoxPx | None = None
    frames: int = 0
    end_ms: int = 0
    look_ms: int = LOOK_MS


Structure = Callable[[bytes], VideoFacts]
"""Facts of a video from its bytes, or of what has come of it. Raises VideoFormatError, VideoTooLargeError."""


class VideoLook:
    """Looks at videos with one engine: while they come, or when they are there."""

    def __init__(self, engine: FaceEngine, structure: Structure, frames: FrameSource) -> None:
        """Find faces with ``engine`` in what ``frames`` decodes of what ``structure`` lets pass."""
        self._engine = engine.for_video()
        self._passive = engine
        self._structure = structure
        self._frames = frames

    def can_follow(self, head: bytes) -> bool:
        """Whether what begins with ``head`` can be decoded before its end is there."""
        try:
            return self._structure(head).container in FOLLOWED
        except (VideoFormatError, VideoTooLargeError):
            return False

    def check(self, data: bytes) -> VideoFacts:
        """Facts of a whole video.

        Raises:
            VideoFormatError: nothing that is decoded here.
            VideoTooLargeError: it is too long.
        """
        facts = self._structure(data)
        if facts.duration_ms > MAX_DURATION_MS:
            raise VideoTooLargeError("The video is longer than a minute.")
        return facts

    def watch(self, slot: Slot, path: Path, *, look_ms: int = LOOK_MS, frame_rate: Fraction = _USUAL_RATE) -> LookedAt:
        """What the frames of the video at ``path`` show, as they are decoded; a face is looked at each ``look_ms``.

        Raises:
            VideoFormatError: it cannot be decoded.
            VideoTooLargeError: it has too many frames.
        """
        plan = DecodingPlan(frame_rate, frame_rate, duration_ms=MAX_DURATION_MS)
        looked = LookedAt(look_ms=look_ms)
        with self._frames.frames(path, plan) as frames:
            for frame in frames:
                if frame.rgb is not None:
                    self._frame(slot, looked, frame, frame.rgb)
                if looked.frames > MAX_FRAMES:
                    raise VideoTooLargeError("The video has too many frames.")
        if not looked.frames:
            raise VideoFormatError("The video has no frames.")
        return looked

    def _frame(self, slot: Slot, looked: LookedAt, frame: VideoFrame, rgb: RgbArray) -> None:
        looked.frames += 1
        looked.end_ms = max(looked.end_ms, frame.ts_ms)
        far = looked.box is None or looked.box.width < _SEEN_WIDTH_PX
        due_ms = looked.look_ms * (_FAR if far else 1)
        if not looked.sightings or frame.ts_ms - looked.sightings[-1].ts_ms >= due_ms:
            self._sight(slot, looked, frame.ts_ms, rgb)
        if looked.box is not None:
            sample = colour_sample(frame.ts_ms, rgb, looked.box)
            if sample is not None:
                looked.samples.append(sample)

    def _sight(self, slot: Slot, looked: LookedAt, ts_ms: int, rgb: RgbArray) -> None:
        scale = 1.0 if looked.box is None else min(1.0, _SEEN_WIDTH_PX / looked.box.width)
        image = Image(_shrunk(rgb, scale), b"")
        found = self._engine.detect(slot, image, Detail.FULL, at_most=2)
        if not found.faces:
            looked.sightings.append(OvalLook(ts_ms, 0, BoxPx(0, 0, 0, 0), np.zeros((5, 2))))
            looked.box = None
            return
        face = found.faces[0]
        # What is much smaller is somebody in the background, or a picture on the wall.
        faces = sum(1 for one in found.faces if one.box_px.area >= 0.25 * face.box_px.area)
        quality = face.quality
        looked.sightings.append(
            OvalLook(
                ts_ms,
                faces,
                _enlarged(face.box_px, scale),
                face.points_px / scale,
                _shape(face, scale),
                quality.brightness_pct,
                quality.sharpness_pct,
            )
        )
        looked.box = face_box(face.points_px / scale)
        if face.eyes_open is not None:
            looked.eyes.append(face.eyes_open.value)
        if len(looked.sightings) % _EMBED_EVERY == 1:
            looked.vectors.append(self._engine.embed(slot, image, [face], VectorUse.QUERY)[0])
            looked.covered.append(self._is_covered(slot, image, face))
        if looked.box.width <= _PASSIVE_WIDTH_PX:
            looked.parts.append(Image(_part(rgb, _enlarged(face.box_px, scale)), b""))
        _keep(looked, _picture(ts_ms, rgb, face.box_px.to_ratio(image.size), quality.sharpness_pct))

    def findings(
        self, slot: Slot, looked: LookedAt, challenge: LivenessChallenge, starts_ms: Sequence[float]
    ) -> LivenessFindings:
        """What all of it says; ``starts_ms`` are times of the video at which colours began."""
        sightings = looked.sightings
        colours = challenge.colours
        seed = int(challenge.digest()[:8], 16)
        found = [one for one in sightings if one.faces]
        evidence = LivenessEvidence(
            approach(sightings, challenge.oval, looked.end_ms),
            self._same_pct(looked.vectors),
            self._passive_pct(slot, looked.parts),
            reflection(looked.samples, starts_ms, colours, seed) if colours else None,
            float(np.median([one.brightness_pct for one in found])) if found else 0.0,
            float(np.median([one.sharpness_pct for one in found])) if found else 0.0,
            looked.eyes.count(False) / len(looked.eyes) if looked.eyes else 0.0,
            looked.covered.count(True) / len(looked.covered) if looked.covered else 0.0,
            looked.frames * 1000 / max(1, looked.end_ms),
        )
        return LivenessFindings(evidence, looked.frames, _chosen(looked))

    def _is_covered(self, slot: Slot, image: Image, face: DetectedFace) -> bool:
        (told,) = self._engine.describe(slot, image, [face], [Trait.FACE_OCCLUDED])
        return told.traits.occluded is not None and told.traits.occluded.value

    def _same_pct(self, vectors: Sequence[FloatArray]) -> float:
        """Least similarity of neighbours, and of the first with the last."""
        if len(vectors) < 2:
            return 0.0
        pairs = [*pairwise(vectors), (vectors[0], vectors[-1])]
        return min(self._engine.scale(a, b).similarity_pct(float(a @ b)) for a, b in pairs)

    def _passive_pct(self, slot: Slot, images: Sequence[Image]) -> float:
        scores = [face.score_pct for image in images for face in self._passive.liveness(slot, image, 1).faces]
        return float(np.mean(scores)) if scores else 50.0


def _shrunk(rgb: RgbArray, scale: float) -> RgbArray:
    if scale == 1.0:
        return rgb
    size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _enlarged(box: BoxPx, scale: float) -> BoxPx:
    return BoxPx(box.x1 / scale, box.y1 / scale, box.x2 / scale, box.y2 / scale)


def _part(rgb: RgbArray, box: BoxPx) -> RgbArray:
    """The face with some room around it, in its own pixels."""
    across, down = box.width * _PASSIVE_AROUND, box.height * _PASSIVE_AROUND
    rows = slice(max(0, int(box.y1 - down)), int(box.y2 + down))
    return np.ascontiguousarray(rgb[rows, max(0, int(box.x1 - across)) : int(box.x2 + across)])


def _shape(face: DetectedFace, scale: float) -> FloatArray | None:
    """The points whose parallax is measured; None where the mesh has not found them."""
    places = {one.name: (one.x_px, one.y_px) for one in face.landmarks}
    if not places.keys() >= USUAL_HEAD.keys():
        return None
    return np.array([places[name] for name in USUAL_HEAD], np.float32) / np.float32(scale)


def _keep(looked: LookedAt, picture: tuple[float, int, SessionPicture]) -> None:
    """Among others that are spread over the video, and never more than ``MAX_KEPT`` of them."""
    looked.pictures.append(picture)
    if len(looked.pictures) > MAX_KEPT:
        best = max(looked.pictures, key=lambda one: one[0])
        looked.pictures = [one for place, one in enumerate(looked.pictures) if one is best or place % 2 == 0]


def _picture(ts_ms: int, rgb: RgbArray, box: BoxRatio, sharpness_pct: float) -> tuple[float, int, SessionPicture]:
    for quality in _QUALITIES:
        data = encode_jpeg(rgb, quality)
        if len(data) <= MAX_PICTURE_BYTES:
            break
    return sharpness_pct * box.width, ts_ms, SessionPicture(box, data)


def _chosen(looked: LookedAt) -> tuple[SessionPicture, ...]:
    """The best picture, then others spread over the video, in order."""
    if not looked.pictures:
        return ()
    best = max(looked.pictures, key=lambda one: one[0])
    others = [one for one in looked.pictures if one is not best]
    step = max(1, len(others) // MAX_AUDIT_PICTURES)
    return (best[2], *(one[2] for one in others[::step][:MAX_AUDIT_PICTURES]))
