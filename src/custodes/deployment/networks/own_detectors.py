"""Adding a detector of the operator's own: converted, measured beside the one that ships, tried, and only then kept.

In: an ONNX file that finds faces, its licence, and a folder of photos. Out: an ``OwnDetector`` in the folder of models,
which ``CUSTODES_FACE_DETECTOR`` can name. Photos are read here and nowhere kept; only counts and a curve of scores are
written.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from custodes.core.errors import ImageFormatError, ImageTooLargeError, InvalidParameterError
from custodes.deployment.networks.own_models import PICTURES, Progress, converted, read_licence, read_network
from custodes.deployment.networks.scores import own_embedder
from custodes.engine.faces.assembly import OwnNetworks, detector_sample
from custodes.engine.faces.detection.anchors import AnchorLook
from custodes.engine.faces.detection.detect import FaceDetectionRules, FaceDetector, centerface
from custodes.engine.faces.detection.detector_fit import JudgedFaces, fit_detector
from custodes.engine.faces.geometry.align import RgbArray
from custodes.engine.faces.geometry.mesh import MeshReader
from custodes.engine.runtime.networks import Networks
from custodes.engine.runtime.session import Threads, open_session
from custodes.imaging.image import decode
from custodes.models.importers.convert import MADE_BY
from custodes.models.own import PixelInput, Provenance
from custodes.models.own_detector import DetectorFamily, DetectorFit, OwnDetector, own_detectors
from custodes.models.store import ModelStore
from custodes.settings import Settings

_PRESENT = 0.5
"""Presence from which the mesh saw a face."""
_LOOK = FaceDetectionRules(hint_score=0.4, min_score=0.4)
_OWN_LOOK = FaceDetectionRules(hint_score=0.05, min_score=0.05, sure_score=1.0)
"""Everything that could be a face; which of it is told is what the fit decides."""
_NOTHING = DetectorFit((), 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class BroughtDetector:
    """What the operator brings.

    Attributes:
        file: the ONNX file, with outputs as its family has them.
        licence_file: the licence's text.
        photos: folder of photos with faces, also in folders below it.
    """

    name: str
    file: Path
    family: DetectorFamily
    pixels: PixelInput
    provenance: Provenance
    licence_file: Path
    photos: Path


def own_networks(settings: Settings) -> OwnNetworks:
    """The networks that the operator chose in place of those that ship.

    Raises:
        NotFoundError: no such network was added.
        UnavailableError: what is kept of one is damaged.
    """
    name = settings.face_detector
    detector = own_detectors(settings.models_folder).get(name) if name else None
    return OwnNetworks(own_embedder(settings), detector)


def add_detector(settings: Settings, brought: BroughtDetector, progress: Progress) -> OwnDetector:
    """Convert, measure, try, keep.

    Raises:
        InvalidParameterError: not such a network, no licence text, a statement is missing, or photos that measure
            nothing.
        UnavailableError: the networks that ship are missing, or the folder of models cannot be written.
    """
    store, threads = ModelStore(settings.models_folder), settings.threads or os.cpu_count() or 1
    data, licence = read_network(brought.file), read_licence(brought.licence_file)
    draft = OwnDetector(
        name=brought.name,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        family=brought.family,
        pixels=brought.pixels,
        provenance=brought.provenance,
        fit=_NOTHING,
        sample=(),
    )
    made = converted(draft, data)
    with store.locked():
        path = store.install(draft.card, made, MADE_BY)
        network = open_session(path, draft.card, settings.device, Threads(intra=threads))
        networks = Networks(store, settings.device, threads)
        look = FaceDetector(AnchorLook(network, draft.family), _OWN_LOOK)
        judges = (look, centerface(networks.session("centerface"), _LOOK), MeshReader(networks.session("facemesh")))
        fit = _measured(judges, brought.photos, progress)
        own = replace(draft, fit=fit, sample=detector_sample(network))
        own_detectors(store.root).put(own, licence)
    return own


def _measured(judges: tuple[FaceDetector, FaceDetector, MeshReader], folder: Path, progress: Progress) -> DetectorFit:
    own, shipped, mesh = judges
    paths, seen = list(_photos(folder)), []
    for done, path in enumerate(paths, start=1):
        try:
            rgb = decode(path.read_bytes()).rgb
        except (ImageFormatError, ImageTooLargeError):
            continue
        finally:
            progress(done, len(paths))
        try:
            seen.append((_judged(own, mesh, rgb), _judged(shipped, mesh, rgb)))
        except KeyError as error:
            raise InvalidParameterError("the network lacks an output of its family") from error
        except ValueError as error:
            raise InvalidParameterError(f"the network does not answer as its family does: {error}") from error
    return fit_detector(seen)


def _judged(detector: FaceDetector, mesh: MeshReader, rgb: RgbArray) -> JudgedFaces:
    found = detector.detect(rgb)
    present = [one.presence >= _PRESENT for one in mesh.read(rgb, list(found.points))]
    return JudgedFaces(found, np.array(present, bool))


def _photos(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES and path.is_file())
    except OSError as error:
        raise InvalidParameterError(f"{folder} cannot be read: {error.strerror}") from error
