"""The AWS SDK for Go v2, as Debian packages it, against a live server."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.engine import Square, picture

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).parent / "suites" / "golang" / "main.go"
LIBRARY = Path("/usr/share/gocode")
CALLS = 13
"""Operations that the program calls and that have to answer."""


def test_a_program_in_go(live_server: Any, tmp_path: Path) -> None:
    go = shutil.which("go")
    if go is None or not (LIBRARY / "src/github.com/aws/aws-sdk-go-v2/service/rekognition").is_dir():
        pytest.skip("needs Go and golang-github-aws-aws-sdk-go-v2-dev: scripts/install-test-tools.sh")
    ann, pair = tmp_path / "ann.png", tmp_path / "pair.png"
    ann.write_bytes(picture(Square(1)))
    pair.write_bytes(picture(Square(1, side=80), Square(2, left=200)))
    # A cache that outlives the test: compiling the SDK takes longer than all of the rest.
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "custodes-tests-go"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GOCACHE": str(cache),
        "GOPATH": str(LIBRARY),
        "GO111MODULE": "off",
        "GOFLAGS": "-trimpath",
    }
    program = tmp_path / "program"
    built = subprocess.run(
        [go, "build", "-o", str(program), str(PROGRAM)],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    key = live_server.deployment.keys.key
    done = subprocess.run(
        [str(program), live_server.url, "eu-central-1", str(ann), str(pair)],
        env={"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret, "NO_PROXY": "127.0.0.1"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == CALLS
