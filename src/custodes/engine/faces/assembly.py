"""The face engine from the model pack: which cards, which recipe, how many threads.

In: a store of converted models and a device. Out: a ready ``FacePipeline``. It fetches nothing: a missing file is a
clear error that names the command which fetches it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from custodes.core.device import Device
from custodes.core.errors import UnavailableError
from custodes.core.ids import ModelVersion
from custodes.engine.calibrate import Knot
from custodes.engine.faces.detection.detect import TURNED_LOOK, centerface
from custodes.engine.faces.detection.turned import FaceFinder
from custodes.engine.faces.embedding.embed import Embedder, Recipe, unit
from custodes.engine.faces.embedding.lookalikes import load_lookalikes
from custodes.engine.faces.geometry.mesh import MeshReader
from custodes.engine.faces.geometry.turned_pose import load_turned_pose
from custodes.engine.faces.pipeline import FacePipeline, FaceSteps
from custodes.engine.faces.portrait import PortraitReader, portrait_run
from custodes.engine.faces.traits.ages import load_age_networks
from custodes.engine.faces.traits.expression import ExpressionReader, ExpressionRuns, output_run
from custodes.engine.faces.traits.eyes import EyeReader
from custodes.engine.faces.traits.heads import load_fitted
from custodes.engine.faces.traits.spoof import SpoofReader
from custodes.engine.faces.traits.traits import TraitReader
from custodes.engine.results.face import FloatArray, VectorUse
from custodes.engine.runtime.batch import Batcher
from custodes.engine.runtime.memory import Runs
from custodes.engine.runtime.once import Once
from custodes.engine.runtime.session import NetworkSession, Threads, open_session
from custodes.models.card import ModelCard, load_cards
from custodes.models.own import SIDE_PX, OwnEmbedder
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


_SAME_ANSWER = 0.999
"""Cosine between two answers to the sample: processors differ in the last digits only."""


def face_recipe() -> Recipe:
    """The recipe that new collections get unless the operator chose a network of their own."""
    lookalikes = load_lookalikes()
    return Recipe(
        version=ModelVersion("7.0"),
        mirrored=frozenset({VectorUse.ENROL}),
        dimension=int(lookalikes.means.shape[1]),
        lookalikes=lookalikes,
        knots=KNOTS,
        children_from=0.11,
        children_cap_pct=95.0,
    )


def own_recipe(own: OwnEmbedder) -> Recipe:
    """The recipe of a network that the operator brought: no look-alikes are known, and no level of children."""
    return Recipe(
        version=own.recipe_version,
        mirrored=frozenset({VectorUse.ENROL}),
        dimension=own.dimension,
        lookalikes=None,
        knots=tuple(Knot(cosine, pct) for cosine, pct in own.fit.knots),
        children_from=1.0,
        children_cap_pct=100.0,
    )


def open_face_engine(
    store: ModelStore,
    device: Device,
    threads: int,
    own: OwnEmbedder | None = None,
    runs: Runs | None = None,
) -> FacePipeline:
    """Open the networks of the face pack; those that only some requests need are opened by the first of these.

    Args:
        store: where the converted models are.
        device: where to compute.
        threads: threads within one run of a network, at least 1.
        own: the network that turns faces into vectors, in place of the one that ships.
        runs: what the networks of this process share.

    Raises:
        UnavailableError: a model is missing, altered or cannot be opened, or ``own`` answers its sample differently
            than when it was added.
    """
    cards = load_cards()

    def session(name: str) -> NetworkSession:
        card: ModelCard = cards[name]
        return open_session(store.path(card), card, device, Threads(intra=threads), runs)

    if own is None:
        return assemble(session, open_embedder(session("sface"), face_recipe()))
    path = store.path(own.card)
    # The sample is nobody's request: it is asked of a session that nobody counts.
    require_sample(open_session(path, own.card, device, Threads(intra=threads)), own)
    network = open_session(path, own.card, device, Threads(intra=threads), runs)
    return assemble(session, open_embedder(network, own_recipe(own)))


def open_embedder(network: NetworkSession, recipe: Recipe) -> Embedder:
    """The embedding step on an opened network."""
    return Embedder(Batcher(lambda rgb: network.run({"rgb": rgb}, ("embedding",))["embedding"]), recipe)


def sample_answer(network: NetworkSession) -> FloatArray:
    """(D,) unit vector of a drawn face: the same picture on every machine."""
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32)
    planes = [127.5 + 127.5 * np.sin(x / 9 + channel) * np.cos(y / 13 - channel) for channel in range(3)]
    answer = unit(network.run({"rgb": np.stack(planes)[None].astype(np.float32)}, ("embedding",))["embedding"])
    return np.asarray(answer[0], np.float32)


def require_sample(network: NetworkSession, own: OwnEmbedder) -> None:
    """Raise UnavailableError unless ``network`` answers the sample as it did when it was added."""
    answer = sample_answer(network)
    if answer.shape != (own.dimension,) or float(answer @ np.asarray(own.sample, np.float32)) < _SAME_ANSWER:
        raise UnavailableError(f"the network {own.name!r} answers otherwise than when it was added; add it again")


def assemble(session: Callable[[str], NetworkSession], embedder: Embedder) -> FacePipeline:
    """The engine over the networks that ``session`` opens by the names of their cards. Raises what that raises."""
    portrait = session("faceres")
    detector, mesh, eyes = session("centerface"), session("facemesh"), session("iris")
    fitted = load_fitted()

    def expression() -> ExpressionReader:
        first, other = session("emotion"), session("expression")
        runs = ExpressionRuns(Batcher(output_run(first, "emotion")), Batcher(output_run(other, "expression")))
        return ExpressionReader(runs, fitted.emotions)

    traits = TraitReader(PortraitReader(Batcher(portrait_run(portrait))), Once(expression), fitted, load_age_networks())
    spoof = SpoofReader(Once(lambda: Batcher(output_run(session("liveness"), "live"))))
    finder = FaceFinder(centerface(detector), centerface(detector, TURNED_LOOK), MeshReader(mesh))
    steps = FaceSteps(finder, EyeReader(eyes), embedder, traits, spoof, load_turned_pose())
    return FacePipeline(steps)
