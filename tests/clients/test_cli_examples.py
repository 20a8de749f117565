"""The AWS CLI's own code runs a command line for every implemented operation; answers on the wire fit the model.

What is compared is what the server sent, before the client drops what it does not know: every key, however deep, is a
member of the service model, and every member that the model calls required is there.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from custodes.gallery.celebrities import Celebrity, KnownGender
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.storage.sql.celebrities import SqliteCelebrities
from fakes.clips import lossless
from fakes.engine import Square, SquareEngine, picture
from fakes.gallery import MemoryGalleryStore
from fakes.live import LiveServer, running
from fakes.sight import sight
from fakes.text import ScriptedText

SUITES = Path(__file__).parent / "suites"
COMMANDS = [line for line in (SUITES / "commands.sh").read_text().splitlines() if line.startswith("aws ")]
PAGE = (Path(__file__).parents[2] / "docs" / "compatibility.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    import numpy as np

    root = tmp_path_factory.mktemp("cli")
    (root / "films").mkdir()
    lossless(root / "films" / "one.mov", [np.zeros((64, 64, 3), np.uint8)] * 5)
    (root / "ann.png").write_bytes(picture(Square(1)))
    (root / "pair.png").write_bytes(picture(Square(1, angle_deg=8, side=80), Square(2, left=200)))
    stand_ins = {
        "engine": SquareEngine(),
        "gallery": IndexedGallery(MemoryGalleryStore(), BruteForceIndex),
        "text": ScriptedText(),
        "sight": sight(),
    }
    overrides = {"buckets": {"films": root / "films"}, "video_workers": 0}
    with running(root / "data", overrides, **stand_ins) as live:
        with closing(SqliteCelebrities(live.data)) as book:
            book.put([Celebrity("3LvPP6oYFV", "Ann", ("www.example.org",), KnownGender.FEMALE)])
        yield live


def test_every_command_line_is_answered_by_the_model(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clidriver = pytest.importorskip("awscli.clidriver")
    monkeypatch.chdir(server.data.parent)
    for name, value in {**server.environment(), "AWS_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(name, value)
    driver = clidriver.create_clidriver()
    wire: list[tuple[bytes, Any]] = []
    driver.session.register(
        "after-call.rekognition", lambda http_response, model, **_: wire.append((http_response.content, model))
    )
    kept: dict[str, str] = {}
    asked = set()
    for line in COMMANDS:
        arguments = shlex.split(re.sub(r"@(\w+)@", lambda found: kept[found[1]], line))[1:]
        wire.clear()
        assert driver.main(arguments) == 0, f"{line}\n{capsys.readouterr().err}"
        capsys.readouterr()
        (content, model), asked_now = wire[-1], arguments[1]
        answer = json.loads(content)
        assert list(_unlike(answer, model.output_shape, model.name)) == [], line
        kept.update(_scalars(answer))
        asked.add(model.name)
        assert asked_now.replace("-", "") == model.name.lower()
    implemented = set(re.findall(r"^\| (\w+) \| implemented \|$", PAGE, re.MULTILINE))
    assert asked == implemented


def test_the_table_of_clients_counts_what_is_run() -> None:
    counts = [
        int(found) for found in re.findall(r"^\| .* \| (\d+) \| `tests/(?:clients|compatibility)", PAGE, re.MULTILINE)
    ]
    calls = {
        name: int(re.search(r"^CALLS = (\d+)", (Path(__file__).parent / name).read_text(), re.MULTILINE)[1])
        for name in ("test_javascript.py", "test_golang.py")
    }
    javascript, golang = calls["test_javascript.py"], calls["test_golang.py"]
    assert counts == [len(COMMANDS), len(COMMANDS), javascript, javascript, golang]


def _unlike(value: Any, shape: Any, where: str) -> Iterator[str]:
    """Keys that the model does not know, and required ones that are not there."""
    if shape is None:
        return
    if shape.type_name == "structure" and isinstance(value, Mapping):
        yield from (f"{where}.{name} is unknown" for name in value.keys() - shape.members.keys())
        yield from (f"{where}.{name} is missing" for name in set(shape.required_members) - value.keys())
        for name in value.keys() & shape.members.keys():
            yield from _unlike(value[name], shape.members[name], f"{where}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        for one in value:
            yield from _unlike(one, shape.member, f"{where}[]")
    elif shape.type_name in ("structure", "list"):
        yield f"{where} is no {shape.type_name}"


def _scalars(value: Any) -> dict[str, str]:
    """Texts by name, the first of each."""
    found: dict[str, str] = {}
    if isinstance(value, Mapping):
        for name, one in value.items():
            found.update({} if not isinstance(one, str) else {name: one})
        for one in value.values():
            found = {**_scalars(one), **found}
    elif isinstance(value, list):
        for one in reversed(value):
            found.update(_scalars(one))
    return found
