"""The face engine from the model pack: which cards, which recipe, how many threads.

In: a store of converted models and a device. Out: a ready ``FacePipeline``. It fetches nothing: a missing file is a
clear error that names the command which fetches it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from custodes.core.device import Device, QueryArithmetic
from custodes.core.errors import UnavailableError
from custodes.core.ids import ModelVersion
from custodes.engine.calibrate import Knot
from custodes.engine.faces.detection.anchors import AnchorLook
from custodes.engine.faces.detection.detect import TURNED_LOOK, FaceDetector, centerface
from custodes.engine.faces.detection.turned import FaceFinder
from custodes.engine.faces.embedding.byte_ranges import load_byte_ranges
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
from custodes.engine.runtime.batch import Batcher, Run
from custodes.engine.runtime.byte_products import require_int8
from custodes.engine.runtime.memory import Runs
from custodes.engine.runtime.once import Once
from custodes.engine.runtime.session import NetworkSession, Threads, open_session
from custodes.models.card import ModelCard, load_cards
from custodes.models.own import SIDE_PX, OwnEmbedder
from custodes.models.own_detector import OwnDetector, combined_version
from custodes.models.store import ModelStore

KNOTS = (
    Knot(0.0123, 5.0),
    Knot(0.2181, 45.0),
    Knot(0.3476, 80.0),
    Knot(0.3935, 95.0),
    Knot(0.4407, 99.0),
    Knot(0.4892, 99.9),
)
"""Score to percent of recipe 7.2, fitted by scripts/fit_lookalikes.py on one half of the people."""


SAMPLE_PX = 320
_SAME_SUMS = 1e-3
_SAME_ANSWER = 0.999
"""Cosine between two answers to the sample: processors differ in the last digits only."""


@dataclass(frozen=True, slots=True)
class OwnNetworks:
    """Networks that the operator chose in place of those that ship; None for these."""

    embedder: OwnEmbedder | None = None
    detector: OwnDetector | None = None


def face_recipe() -> Recipe:
    """The recipe that new collections get unless the operator chose a network of their own."""
    lookalikes = load_lookalikes()
    return Recipe(
        version=ModelVersion("7.2"),
        mirrored=frozenset({VectorUse.ENROL}),
        dimension=int(lookalikes.means.shape[1]),
        lookalikes=lookalikes,
        knots=KNOTS,
        children_from=0.15,
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
    own: OwnNetworks | None = None,
    runs: Runs | None = None,
    queries: QueryArithmetic = QueryArithmetic.FLOAT32,
) -> FacePipeline:
    """Open the networks of the face pack; those that only some requests need are opened by the first of these.

    Args:
        store: where the converted models are.
        device: where to compute.
        threads: threads within one run of a network, at least 1.
        own: networks in place of those that ship.
        runs: what the networks of this process share.
        queries: what vectors of faces that are searched for are computed with; a network in place of the one that
            ships has float32 alone.

    Raises:
        UnavailableError: a model is missing, altered or cannot be opened, ``queries`` is not to be had here, or one of
            ``own`` answers its sample differently than when it was added.
    """
    cards, own = load_cards(), own or OwnNetworks()

    def opened(card: ModelCard, counted: Runs | None) -> NetworkSession:
        return open_session(store.path(card), card, device, Threads(intra=threads), counted)

    def session(name: str) -> NetworkSession:
        return opened(cards[name], runs)

    recipe = face_recipe() if own.embedder is None else own_recipe(own.embedder)
    if own.embedder is None:
        network = session("sface")
    else:
        # The sample is nobody's request: it is asked of a session that nobody counts.
        require_sample(opened(own.embedder.card, None), own.embedder)
        network = opened(own.embedder.card, runs)
    query_run = None
    if queries is QueryArithmetic.INT8 and own.embedder is None:
        require_int8(device)
        query_run = _query_run(store.path(cards["sface"]), cards["sface"], threads, runs)
    embedder = open_embedder(network, recipe, query_run)
    if own.detector is None:
        return assemble(session, embedder)
    require_detector_sample(opened(own.detector.card, None), own.detector)
    found_by = AnchorLook(opened(own.detector.card, runs), own.detector.family, own.detector.fit.knots)
    embedder.recipe = replace(recipe, version=combined_version(recipe.version, own.detector))
    return assemble(session, embedder, FaceDetector(found_by))


def open_embedder(network: NetworkSession, recipe: Recipe, query_run: Run | None = None) -> Embedder:
    """The embedding step on an opened network; ``query_run`` is the same network for queries."""
    return Embedder(_batched(network), recipe, query_run)


def _query_run(path: Path, card: ModelCard, threads: int, runs: Runs | None) -> Run:
    """The network at ``path`` with products of bytes. Raises UnavailableError as ``open_session`` does."""
    from custodes.models.importers.graphs.in_bytes import in_bytes

    try:
        made = in_bytes(path.read_bytes(), load_byte_ranges())
    except (OSError, ValueError) as error:
        raise UnavailableError(f"model {card.name} is not the one that its ranges are of") from error
    return _batched(open_session(made, card, Device.CPU, Threads(intra=threads), runs))


def _batched(network: NetworkSession) -> Run:
    return Batcher(lambda rgb: network.run({"rgb": rgb}, ("embedding",))["embedding"])


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


def detector_sample(network: NetworkSession) -> tuple[float, ...]:
    """Mean and spread of each output for a drawn picture: the same picture on every machine."""
    y, x = np.mgrid[0:SAMPLE_PX, 0:SAMPLE_PX].astype(np.float32)
    planes = [127.5 + 127.5 * np.sin(x / 19 + channel) * np.cos(y / 23 - channel) for channel in range(3)]
    answer = network.run({"rgb": np.stack(planes)[None].astype(np.float32)})
    return tuple(float(number) for values in answer.values() for number in (values.mean(), values.std()))


def require_detector_sample(network: NetworkSession, own: OwnDetector) -> None:
    """Raise UnavailableError unless ``network`` answers the sample as it did when it was added."""
    answer = detector_sample(network)
    if len(answer) != len(own.sample) or not np.allclose(answer, own.sample, rtol=_SAME_SUMS, atol=_SAME_SUMS):
        raise UnavailableError(f"the network {own.name!r} answers otherwise than when it was added; add it again")


def assemble(
    session: Callable[[str], NetworkSession], embedder: Embedder, detector: FaceDetector | None = None
) -> FacePipeline:
    """The engine over the networks that ``session`` opens by the names of their cards. Raises what that raises.

    ``detector``: in place of the one that ships.
    """
    portrait = session("faceres")
    mesh, eyes = session("facemesh"), session("iris")
    detector = detector or centerface(session("centerface"))
    fitted = load_fitted()

    def expression() -> ExpressionReader:
        first, other = session("emotion"), session("expression")
        runs = ExpressionRuns(Batcher(output_run(first, "emotion")), Batcher(output_run(other, "expression")))
        return ExpressionReader(runs, fitted.emotions)

    traits = TraitReader(PortraitReader(Batcher(portrait_run(portrait))), Once(expression), fitted, load_age_networks())
    spoof = SpoofReader(Once(lambda: Batcher(output_run(session("liveness"), "live"))))
    finder = FaceFinder(detector, detector.with_rules(TURNED_LOOK), MeshReader(mesh))
    steps = FaceSteps(finder, EyeReader(eyes), embedder, traits, spoof, load_turned_pose())
    return FacePipeline(steps)
