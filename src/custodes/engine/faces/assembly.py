"""The face engine from the model pack: which cards, which recipe, how many threads.

In: a store of converted models and a device. Out: a ready ``FacePipeline``. It fetches nothing: a missing file is a
clear error that names the command which fetches it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

import numpy as np

from custodes.core.ids import ModelVersion
from custodes.engine.calibrate import Knot
from custodes.engine.faces.detect import CenterFaceDetector
from custodes.engine.faces.embed import TRAINED_VIEW, Embedder, Recipe, TextureView
from custodes.engine.faces.mesh import MeshReader
from custodes.engine.faces.pipeline import FacePipeline, FaceSteps
from custodes.engine.faces.portrait import PortraitReader, portrait_run
from custodes.engine.faces.traits.expression import ExpressionReader, ExpressionRuns, output_run
from custodes.engine.faces.traits.eyes import EyeReader
from custodes.engine.faces.traits.heads import load_fitted
from custodes.engine.faces.traits.spoof import SpoofReader
from custodes.engine.faces.traits.traits import TraitReader
from custodes.engine.results.face import FloatArray, VectorUse
from custodes.engine.runtime.batch import Batcher
from custodes.engine.runtime.once import Once
from custodes.engine.runtime.session import Device, NetworkSession, Threads, open_session
from custodes.models.card import ModelCard, load_cards
from custodes.models.store import ModelStore

_BASIS_FILE = "faceres_basis.npy"

KNOTS = (
    Knot(0.8129, 5.0),
    Knot(0.8887, 45.0),
    Knot(0.9085, 80.0),
    Knot(0.9242, 95.0),
    Knot(0.9363, 99.0),
    Knot(0.9479, 99.9),
)
"""Cosine to percent of recipe 1.0, fitted by bench/lfw.py on one half of the people."""


FALSE_MATCH_RATES = ((50.0, 8.1e-3), (80.0, 1.2e-3), (90.0, 4.1e-4), (95.0, 1.5e-4), (99.0, 2.0e-5), (99.9, 1.4e-6))
"""Share of pairs of different people that reach a percentage, measured by bench/lfw.py on the other half."""


def faceres_basis() -> FloatArray:
    """(1024, 128) float32 orthonormal columns: the directions in which faceres features of faces vary most.

    Source: our own, scripts/fit_face_statistics.py over unlabelled portraits; card in docs/models.md.
    """
    with (files("custodes.engine.faces") / _BASIS_FILE).open("rb") as file:
        return np.asarray(np.load(file, allow_pickle=False), np.float32)


def face_recipe() -> Recipe:
    """The recipe that new collections get."""
    return Recipe(
        version=ModelVersion("1.0"),
        second_weight=0.1,
        basis=faceres_basis(),
        views={
            VectorUse.ENROL: TRAINED_VIEW,
            VectorUse.QUERY: TextureView(160, cut_px=16),
        },
        knots=KNOTS,
    )


def open_face_engine(store: ModelStore, device: Device, threads: int) -> FacePipeline:
    """Open the networks of the face pack; those that only some requests need are opened by the first of these.

    Args:
        store: where the converted models are.
        device: where to compute.
        threads: threads within one run of a network, at least 1.

    Raises:
        UnavailableError: a model is missing, altered or cannot be opened.
    """
    cards = load_cards()

    def session(name: str) -> NetworkSession:
        card: ModelCard = cards[name]
        return open_session(store.path(card), card, device, Threads(intra=threads))

    return assemble(session)


def assemble(session: Callable[[str], NetworkSession]) -> FacePipeline:
    """The engine over the networks that ``session`` opens by the names of their cards. Raises what that raises."""
    main, second = session("dlib-resnet-v1"), session("faceres")
    embedder = Embedder(
        Batcher(lambda rgb: main.run({"rgb": rgb}, ("embedding",))["embedding"]),
        Batcher(lambda rgb: second.run({"rgb": rgb}, ("embedding",))["embedding"]),
        face_recipe(),
    )
    detector, mesh, eyes = session("centerface"), session("facemesh"), session("iris")
    fitted = load_fitted()

    def expression() -> ExpressionReader:
        first, other = session("emotion"), session("expression")
        runs = ExpressionRuns(Batcher(output_run(first, "emotion")), Batcher(output_run(other, "expression")))
        return ExpressionReader(runs, fitted.emotions)

    traits = TraitReader(PortraitReader(Batcher(portrait_run(second))), Once(expression), fitted)
    spoof = SpoofReader(Once(lambda: Batcher(output_run(session("liveness"), "live"))))
    steps = FaceSteps(CenterFaceDetector(detector), MeshReader(mesh), EyeReader(eyes), embedder, traits, spoof)
    return FacePipeline(steps)
