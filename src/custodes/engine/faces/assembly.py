"""The face engine from the model pack: which cards, which recipe, how many threads.

In: a store of converted models and a device. Out: a ready ``FacePipeline``. It fetches nothing: a missing file is a
clear error that names the command which fetches it.
"""

from __future__ import annotations

from collections.abc import Callable

from custodes.core.device import Device
from custodes.core.ids import ModelVersion
from custodes.engine.calibrate import Knot
from custodes.engine.faces.detect import TURNED_LOOK, CenterFaceDetector
from custodes.engine.faces.embed import Embedder, Recipe
from custodes.engine.faces.lookalikes import load_lookalikes
from custodes.engine.faces.mesh import MeshReader
from custodes.engine.faces.pipeline import FacePipeline, FaceSteps
from custodes.engine.faces.portrait import PortraitReader, portrait_run
from custodes.engine.faces.traits.ages import load_age_networks
from custodes.engine.faces.traits.expression import ExpressionReader, ExpressionRuns, output_run
from custodes.engine.faces.traits.eyes import EyeReader
from custodes.engine.faces.traits.heads import load_fitted
from custodes.engine.faces.traits.spoof import SpoofReader
from custodes.engine.faces.traits.traits import TraitReader
from custodes.engine.faces.turned import FaceFinder
from custodes.engine.results.face import VectorUse
from custodes.engine.runtime.batch import Batcher
from custodes.engine.runtime.once import Once
from custodes.engine.runtime.session import NetworkSession, Threads, open_session
from custodes.models.card import ModelCard, load_cards
from custodes.models.store import ModelStore

KNOTS = (
    Knot(0.0291, 5.0),
    Knot(0.2301, 45.0),
    Knot(0.3174, 80.0),
    Knot(0.3765, 95.0),
    Knot(0.4423, 99.0),
    Knot(0.5148, 99.9),
)
"""Score to percent of recipe 7.0, fitted by scripts/fit_lookalikes.py on one half of the people."""


def face_recipe() -> Recipe:
    """The recipe that new collections get."""
    return Recipe(
        version=ModelVersion("7.0"),
        mirrored=frozenset({VectorUse.ENROL}),
        lookalikes=load_lookalikes(),
        knots=KNOTS,
        children_from=0.11,
        children_cap_pct=95.0,
    )


def open_face_engine(
    store: ModelStore, device: Device, threads: int, ran: Callable[[], None] = lambda: None
) -> FacePipeline:
    """Open the networks of the face pack; those that only some requests need are opened by the first of these.

    Args:
        store: where the converted models are.
        device: where to compute.
        threads: threads within one run of a network, at least 1.
        ran: told of every run of a network.

    Raises:
        UnavailableError: a model is missing, altered or cannot be opened.
    """
    cards = load_cards()

    def session(name: str) -> NetworkSession:
        card: ModelCard = cards[name]
        return open_session(store.path(card), card, device, Threads(intra=threads), ran)

    return assemble(session)


def assemble(session: Callable[[str], NetworkSession]) -> FacePipeline:
    """The engine over the networks that ``session`` opens by the names of their cards. Raises what that raises."""
    main, portrait = session("sface"), session("faceres")
    embedder = Embedder(Batcher(lambda rgb: main.run({"rgb": rgb}, ("embedding",))["embedding"]), face_recipe())
    detector, mesh, eyes = session("centerface"), session("facemesh"), session("iris")
    fitted = load_fitted()

    def expression() -> ExpressionReader:
        first, other = session("emotion"), session("expression")
        runs = ExpressionRuns(Batcher(output_run(first, "emotion")), Batcher(output_run(other, "expression")))
        return ExpressionReader(runs, fitted.emotions)

    traits = TraitReader(PortraitReader(Batcher(portrait_run(portrait))), Once(expression), fitted, load_age_networks())
    spoof = SpoofReader(Once(lambda: Batcher(output_run(session("liveness"), "live"))))
    finder = FaceFinder(CenterFaceDetector(detector), CenterFaceDetector(detector, TURNED_LOOK), MeshReader(mesh))
    steps = FaceSteps(finder, EyeReader(eyes), embedder, traits, spoof)
    return FacePipeline(steps)
