"""Adding a network of the operator's own: converted, measured on labelled photos, tried, and only then kept.

In: an ONNX file that turns aligned faces into vectors, its licence, and a folder of photos, one folder a person. Out:
an ``OwnEmbedder`` in the folder of models, which ``CUSTODES_FACE_EMBEDDER`` can name, and the same measurement of the
network that ships. Photos are read here and nowhere kept; nothing of them but rates over all pairs is written.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from custodes.core.clock import SystemClock
from custodes.core.errors import ImageFormatError, ImageTooLargeError, InvalidParameterError
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.faces.assembly import open_embedder, open_face_engine, own_recipe, sample_answer
from custodes.engine.faces.embedding.embed import Embedder
from custodes.engine.faces.embedding.score_fit import fit_scores
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.results.face import FloatArray, VectorUse
from custodes.engine.runtime.session import NetworkSession, Threads, open_session
from custodes.imaging.image import decode
from custodes.models.card import CardError
from custodes.models.importers.convert import MADE_BY, convert
from custodes.models.importers.failure import ImportFailedError
from custodes.models.own import OwnEmbedder, OwnNetwork, PixelInput, Provenance, ScoreFit, own_embedders
from custodes.models.store import ModelStore
from custodes.settings import Settings

_LARGEST = 1 << 30
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_NOTHING = ScoreFit((), (), (), 0, 0)
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class BroughtNetwork:
    """What the operator brings.

    Attributes:
        file: the ONNX file: 112 x 112 faces in the frame of ArcFace in, one vector out.
        dimension: length of the vector.
        licence_file: the licence's text.
        people: folder with a folder for each person.
    """

    name: str
    file: Path
    dimension: int
    pixels: PixelInput
    provenance: Provenance
    licence_file: Path
    people: Path


@dataclass(frozen=True, slots=True)
class AddedNetwork:
    """What was kept, and the network that ships, measured on the same photos."""

    own: OwnEmbedder
    shipped: ScoreFit
    photos: int
    without_face: int


def add_network(settings: Settings, brought: BroughtNetwork, progress: Progress) -> AddedNetwork:
    """Convert, measure, try, keep.

    Raises:
        InvalidParameterError: not such a network, no licence text, a statement is missing, or photos that measure
            nothing.
        UnavailableError: the networks that ship are missing, or the folder of models cannot be written.
    """
    store, threads = ModelStore(settings.models_folder), settings.threads or os.cpu_count() or 1
    data, licence = read_network(brought.file), read_licence(brought.licence_file)
    draft = OwnEmbedder(
        name=brought.name,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        dimension=brought.dimension,
        pixels=brought.pixels,
        provenance=brought.provenance,
        fit=_NOTHING,
        sample=(),
    )
    made = converted(draft, data)
    with store.locked():
        path = store.install(draft.card, made, MADE_BY)
        network = open_session(path, draft.card, settings.device, Threads(intra=threads))
        engine = open_face_engine(store, settings.device, threads)
        measured = _measured(engine, network, draft, brought.people, progress)
        own = replace(measured.own, sample=tuple(float(value) for value in sample_answer(network)))
        own_embedders(store.root).put(own, licence)
    return replace(measured, own=own)


def _measured(
    engine: FacePipeline, network: NetworkSession, draft: OwnEmbedder, people: Path, progress: Progress
) -> AddedNetwork:
    theirs = open_embedder(network, own_recipe(draft))
    rows, person, missed = [], [], 0
    photos = list(labelled_photos(people))
    for done, (number, path) in enumerate(photos, start=1):
        seen = _vectors(engine, theirs, path)
        if seen is None:
            missed += 1
        else:
            rows.append(seen)
            person.append(number)
        progress(done, len(photos))
    if not rows:
        raise InvalidParameterError(f"no face was found in the photos of {people}")
    own, shipped = (np.stack(vectors) for vectors in zip(*rows, strict=True))
    numbers = np.array(person, np.int64)
    return AddedNetwork(replace(draft, fit=fit_scores(own, numbers)), fit_scores(shipped, numbers), len(photos), missed)


def _vectors(engine: FacePipeline, theirs: Embedder, path: Path) -> tuple[FloatArray, FloatArray] | None:
    """The largest face of a photo by the network that was brought and by the one that ships; None without one."""
    slot = Slot(0, RequestId(f"models-add-{SystemClock().now_ms()}"))
    try:
        image = decode(path.read_bytes())
    except (ImageFormatError, ImageTooLargeError):
        return None
    faces = engine.detect(slot, image, at_most=1).faces
    if not faces:
        return None
    return theirs.embed(image.rgb, faces, VectorUse.ENROL)[0], engine.embed(slot, image, faces, VectorUse.ENROL)[0]


def labelled_photos(people: Path) -> Iterator[tuple[int, Path]]:
    """Each photo, with the number of its person."""
    try:
        folders = sorted(folder for folder in people.iterdir() if folder.is_dir())
    except OSError as error:
        raise InvalidParameterError(f"{people} cannot be read: {error.strerror}") from error
    for number, folder in enumerate(folders):
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in PICTURES and path.is_file():
                yield number, path


def read_network(path: Path) -> bytes:
    """The file's bytes. Raises InvalidParameterError for one that is empty or too large."""
    size = path.stat().st_size
    if not 0 < size <= _LARGEST:
        raise InvalidParameterError(f"{path} has {size:,} bytes; a network has 1 to {_LARGEST:,}")
    return path.read_bytes()


def read_licence(path: Path) -> bytes:
    """The text of a licence. Raises InvalidParameterError where there is none."""
    text = path.read_bytes()
    if not text.strip():
        raise InvalidParameterError(f"{path} is empty: a network without licence text is not taken")
    return text


def converted(draft: OwnNetwork, data: bytes) -> bytes:
    """The file in ``data`` as the card of ``draft`` promises it. Raises InvalidParameterError where it is not so."""
    try:
        return convert(draft.card, {draft.card.files[0].member: data})
    except (CardError, ImportFailedError) as error:
        raise InvalidParameterError(str(error)) from error
