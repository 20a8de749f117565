"""Every member of the service model is returned and read, or listed as absent with its reason; nothing else is true.

The members come from the model, the exceptions from ``edge.translate.absent``. Outputs are proved on answers over
HTTP, from fakes and from the real engine; inputs by watching which members of a request are looked at.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest

from custodes.core.clock import FixedClock
from custodes.core.errors import CustodesError
from custodes.core.ids import AccountId, RequestId
from custodes.edge.aws.fields import fields_of, paths_in
from custodes.edge.aws.model import Shape, ShapeKind, load_service
from custodes.edge.aws.translate.absent import NOT_READ, NOT_RETURNED, reason_of
from custodes.edge.aws.translate.catalogue import handlers
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.operations.catalogue import Ports, build
from custodes.operations.requests.context import Caller, Context
from custodes.operations.requests.gate import AllowAll, CountingRecorder, Deny, Gate
from tests.compatibility import answers, liveness_answers, project_answers, stream_answers, video_answers
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.live import running
from tests.fakes.sight import sight
from tests.fakes.text import ScriptedText

pytestmark = pytest.mark.slow

ANSWERS = {
    **answers.ANSWERS,
    **video_answers.VIDEO_ANSWERS,
    **liveness_answers.LIVENESS_ANSWERS,
    **project_answers.PROJECT_ANSWERS,
    **stream_answers.STREAM_ANSWERS,
}
NO_PORTS = Ports(*cast("Any", [None] * 3), FixedClock(), b"", *cast("Any", [None] * 2))
SERVICE = load_service()
IMPLEMENTED = sorted(
    SERVICE.operations.keys()
    & handlers(
        Gate(AllowAll(), CountingRecorder()),
        build(NO_PORTS),
        "eu-1",
    )
)


def returned(operation: str) -> set[str]:
    """Paths of the members that ``operation`` must return sooner or later."""
    output = SERVICE.operations[operation].output
    unlisted = lambda field: reason_of(NOT_RETURNED, operation, field.owner, field.member) is not None  # noqa: E731
    return {field.path for field in fields_of(output, unlisted)}


def _occurring(studio: Any, operation: str) -> set[str]:
    found: set[str] = set()
    for answer in ANSWERS[operation](studio):
        members = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
        found |= set(paths_in(members))
    return _without_keys(found)


def _without_keys(paths: set[str]) -> set[str]:
    """``paths`` without the keys of the one map in the API: they are data."""
    return {path for path in paths if not path.startswith("Tags.")}


def _png(image: PIL.Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def test_every_operation_is_asked() -> None:
    assert sorted(ANSWERS) == IMPLEMENTED


def _predictable(request: pytest.FixtureRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    two = picture(Square(1, angle_deg=8, side=80), Square(2, left=200))
    gallery = IndexedGallery(MemoryGalleryStore(), BruteForceIndex)
    stand_ins = {"engine": SquareEngine(), "gallery": gallery, "text": ScriptedText(), "sight": sight()}
    return stand_ins, {"one": picture(Square(1)), "two": two, "pictures": {"text": two, "labels": two}}


def _real(request: pytest.FixtureRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    """Nothing stands in; the portrait is Eileen Collins (NASA, public domain), as scikit-image ships it."""
    request.getfixturevalue("model_pack")
    portrait = PIL.Image.fromarray(pytest.importorskip("skimage.data").astronaut())
    two = PIL.Image.new("RGB", (800, 600))
    two.paste(portrait, (0, 40))
    two.paste(portrait.rotate(6).resize((260, 260)), (530, 100))
    text = PIL.Image.new("RGB", (400, 120), "white")
    PIL.ImageDraw.Draw(text).text((20, 30), "HELLO WORLD", "black", PIL.ImageFont.load_default(48))
    masked = portrait.copy()
    outline = [(178, 115), (225, 108), (273, 115), (262, 150), (225, 176), (190, 150)]
    PIL.ImageDraw.Draw(masked).polygon(outline, (150, 195, 220))
    coffee = _png(PIL.Image.fromarray(pytest.importorskip("skimage.data").coffee()))
    return {}, {
        "one": _png(portrait),
        "two": _png(two),
        "pictures": {"text": _png(text), "labels": coffee, "mask": _png(masked)},
    }


@pytest.fixture(scope="module", params=[_predictable, pytest.param(_real, marks=pytest.mark.models)])
def studio(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server for the whole module, with predictable faces or with the real networks, and pictures for it."""
    stand_ins, pictures = request.param(request)
    root = tmp_path_factory.mktemp("fields")
    films = {"two": pictures["two"], **pictures["pictures"]}
    video_answers.write_films(root / "films", films)
    project_answers.write_shots(root / "shots")
    folders = {
        video_answers.BUCKET: root / "films",
        project_answers.BUCKET: root / "shots",
        project_answers.RESULTS: root / "reports",
    }
    overrides = {"buckets": folders, "output_buckets": f"{project_answers.RESULTS},{video_answers.BUCKET},yard"}
    with running(root / "data", overrides, **stand_ins) as server:
        ann = {"celebrity_id": answers.CELEBRITY, "name": "Ann", "urls": ["www.example.org"], "gender": "Female"}
        server.deployment.administration.ask("celebrities put", {"people": [ann]}, os.getuid())
        film = (root / "films" / "two.mov").as_uri()

        def connect(arn: str) -> None:
            server.deployment.administration.ask("stream source set", {"arn": arn, "url": film}, os.getuid())

        signing = server.deployment.keys.key
        key = (signing.access_key_id, signing.secret)
        yield answers.Studio(server.client(), **pictures, key=key, connect=connect)


@pytest.mark.parametrize("operation", IMPLEMENTED)
def test_outputs(studio: Any, operation: str) -> None:
    for name in studio.client.list_collections()["CollectionIds"]:
        studio.client.delete_collection(CollectionId=name)
    studio.client.create_collection(CollectionId=answers.COLLECTION)
    occurring, promised = _occurring(studio, operation), returned(operation)
    assert occurring - promised == set(), "returned although listed as absent"
    assert promised - occurring == set(), "never returned and not listed"


def test_lists_name_existing_members_of_implemented_operations() -> None:
    outputs = {
        name
        for operation in IMPLEMENTED
        for field in fields_of(SERVICE.operations[operation].output)
        for name in (f"{field.owner}.{field.member}", f"{operation}:{field.owner}.{field.member}")
    }
    inputs = {
        name
        for operation in IMPLEMENTED
        for field in fields_of(SERVICE.operations[operation].input)
        for name in (f"{field.owner}.{field.member}", f"{operation}:{field.owner}.{field.member}")
    }
    assert NOT_RETURNED.keys() - outputs == set()
    assert NOT_READ.keys() - inputs == set()
    assert all(reason.strip() for reason in (*NOT_RETURNED.values(), *NOT_READ.values()))


class Watched(Mapping[str, Any]):
    """Parameters that note at which of their members somebody looks."""

    def __init__(self, members: Mapping[str, Any], path: str, seen: set[str]) -> None:
        self._members, self._path, self._seen = members, path, seen

    def __getitem__(self, name: str) -> Any:
        value = self._members[name]
        path = f"{self._path}.{name}".removeprefix(".")
        self._seen.add(path)
        return _watched(value, path, self._seen)

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


def _watched(value: Any, path: str, seen: set[str]) -> Any:
    if isinstance(value, Mapping):
        return Watched(value, path, seen)
    return [_watched(item, f"{path}[]", seen) for item in value] if isinstance(value, list) else value


_EXAMPLES: Mapping[ShapeKind, Callable[[Shape], Any]] = {
    ShapeKind.STRUCTURE: lambda shape: {name: _example(member) for name, member in shape.members.items()},
    ShapeKind.LIST: lambda shape: [_example(cast("Shape", shape.item))],
    ShapeKind.MAP: lambda shape: {"a": _example(cast("Shape", shape.item))},
    ShapeKind.STRING: lambda shape: shape.enum[0] if shape.enum else "a",
    ShapeKind.INTEGER: lambda shape: int(shape.minimum or 1),
    ShapeKind.LONG: lambda shape: int(shape.minimum or 1),
    ShapeKind.FLOAT: lambda shape: 1.0,
    ShapeKind.BOOLEAN: lambda shape: True,
    ShapeKind.TIMESTAMP: lambda shape: 0.0,
    ShapeKind.BLOB: lambda shape: b"a",
}


def _example(shape: Shape) -> Any:
    """A value with every member of ``shape``."""
    return _EXAMPLES[shape.kind](shape)


class Nobody:
    """A policy that lets nobody in: translation runs before the gate, so requests are read and go no further."""

    def decide(self, intent: Any) -> Deny:
        return Deny("not here")


@pytest.mark.parametrize("operation", IMPLEMENTED)
def test_inputs_are_read(operation: str) -> None:
    gate = Gate(Nobody(), CountingRecorder())
    by_name = handlers(gate, build(NO_PORTS), "eu-central-1")
    shape, seen = SERVICE.operations[operation].input, set[str]()
    account = AccountId("123456789012")
    context = Context(Caller(account, "AKEXAMPLE", f"arn:aws:iam::{account}:root", "eu-1"), RequestId("1"), 0)
    with pytest.raises(CustodesError):
        by_name[operation](context, Watched(_example(shape), "", seen))
    unlisted = lambda field: reason_of(NOT_READ, operation, field.owner, field.member) is not None  # noqa: E731
    assert _without_keys(seen) == {field.path for field in fields_of(shape, unlisted)}


def test_the_walk_is_not_blind() -> None:
    output = SERVICE.operations["DetectFaces"].output
    paths = {field.path for field in fields_of(output)}
    assert {"FaceDetails", "FaceDetails[].Pose.Yaw", "FaceDetails[].Landmarks[].X", "FaceDetails[].Gender"} <= paths
    assert set(paths_in({"FaceDetails": [{"Pose": {"Yaw": 1.0}}]})) == {
        "FaceDetails",
        "FaceDetails[].Pose",
        "FaceDetails[].Pose.Yaw",
    }
