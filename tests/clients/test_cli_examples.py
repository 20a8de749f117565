"""The AWS CLI's own code runs a command line for every implemented operation; answers on the wire fit the model.

What is compared is what the server sent, before the client drops what it does not know: every key, however deep, is a
member of the service model, and every member that the model calls required is there.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from tests.compatibility.project_answers import BUCKET as SHOTS
from tests.compatibility.project_answers import POLICY as COPIES
from tests.compatibility.project_answers import RESULTS, write_shots
from tests.fakes.clips import lossless
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.live import LiveServer, running
from tests.fakes.sight import sight
from tests.fakes.text import ScriptedText

SUITES = Path(__file__).parent / "suites"
COMMANDS = [line for line in (SUITES / "commands.sh").read_text().splitlines() if line.startswith("aws ")]
ASKED = {line.split()[2] for line in COMMANDS} - {"wait"}
YARD = "arn:aws:kinesisvideo:eu-central-1:123456789012:stream/yard/1"
KNOWN_TO_2 = 63
"""Operations at least that the oldest version 2 of a Debian in use knows."""
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
    write_shots(root / SHOTS)
    (root / "entries.json").write_text(json.dumps({"GroundTruth": (root / SHOTS / "good.manifest").read_text()}))
    (root / "copies.json").write_text(json.dumps(COPIES))
    folders = {"films": root / "films", SHOTS: root / SHOTS, RESULTS: root / RESULTS}
    with running(root / "data", {"buckets": folders, "output_buckets": RESULTS}, **stand_ins) as live:
        source = {"arn": YARD, "url": (root / "films" / "one.mov").as_uri()}
        live.deployment.administration.ask("stream source set", source, os.getuid())
        ann = {"celebrity_id": "3LvPP6oYFV", "name": "Ann", "urls": ["www.example.org"], "gender": "Female"}
        live.deployment.administration.ask("celebrities put", {"people": [ann]}, os.getuid())
        yield live


@pytest.mark.parametrize(
    ("python", "version", "least"), [(sys.executable, 1, len(ASKED)), ("/usr/bin/python3", 2, KNOWN_TO_2)]
)
def test_every_command_line_is_answered_by_the_model(
    server: LiveServer, python: str, version: int, least: int, tmp_path: Path
) -> None:
    """Version 2 is that of Debian, whose model of the service is older and does not know all of them."""
    found = _version(python)
    if found != version:
        pytest.skip(f"there is no AWS CLI {version} at {python}: {found}")
    commands = (SUITES / "commands.sh").read_text()
    # The films and photos are where the server is; each version has collections of its own.
    (tmp_path / "commands.sh").write_text(commands.replace("collection-id people", f"collection-id people{version}"))
    ran = subprocess.run(
        [python, str(SUITES / "aws_cli.py"), str(tmp_path / "commands.sh"), server.url], cwd=server.data.parent,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **server.environment(), "AWS_REGION": "eu-central-1"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    model = botocore.session.get_session().get_service_model("rekognition")
    for one in answers:
        assert one["status"] == 0, f"{one['command']}\n{ran.stderr}"
        word = one["command"].split()[2]
        assert word == "wait" or one["operation"].lower() == word.replace("-", "")
        shape = model.operation_model(one["operation"]).output_shape
        assert list(_unlike(one["answer"], shape, one["operation"])) == [], one["command"]
    implemented = set(re.findall(r"^\| (\w+) \| implemented \|$", PAGE, re.MULTILINE))
    asked = {one["operation"] for one in answers}
    assert asked <= implemented
    assert len(asked) >= least
    assert version == 2 or asked == implemented


def _version(python: str) -> int | str:
    """The major version of the AWS CLI that ``python`` has, or why there is none."""
    asked = "import awscli; print(awscli.__version__)"
    try:
        ran = subprocess.run([python, "-c", asked], capture_output=True, text=True, timeout=60, check=False, env={})
    except OSError as error:
        return str(error)
    return int(ran.stdout.partition(".")[0]) if ran.returncode == 0 else ran.stderr.strip().splitlines()[-1]


def test_the_table_of_clients_counts_what_is_run() -> None:
    counts = [
        int(found) for found in re.findall(r"^\| .* \| (\d+) \| `tests/(?:clients|compatibility)", PAGE, re.MULTILINE)
    ]
    calls = {
        name: int(re.search(r"^CALLS = (\d+)", (Path(__file__).parent / name).read_text(), re.MULTILINE)[1])
        for name in ("test_javascript.py", "test_golang.py")
    }
    javascript, golang = calls["test_javascript.py"], calls["test_golang.py"]
    assert counts == [len(ASKED), len(ASKED), KNOWN_TO_2, javascript, javascript, golang]


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
