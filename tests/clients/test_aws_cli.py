"""The AWS command line as a subprocess, and the shell line that points it at the server."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.fakes.engine import Square, picture


def test_create_index_search(aws: Any, tmp_path: Path) -> None:
    photo = tmp_path / "ann.png"
    photo.write_bytes(picture(Square(1)))
    assert aws("rekognition", "create-collection", "--collection-id", "people").returncode == 0
    image = ("--image-bytes", f"fileb://{photo}")
    indexed = aws("rekognition", "index-faces", "--collection-id", "people", *image, "--external-image-id", "ann")
    assert indexed.returncode == 0, indexed.stderr
    found = aws("rekognition", "search-faces-by-image", "--collection-id", "people", *image)
    assert found.returncode == 0, found.stderr
    assert [match["Face"]["ExternalImageId"] for match in json.loads(found.stdout)["FaceMatches"]] == ["ann"]


def test_errors_reach_the_terminal(aws: Any) -> None:
    answer = aws("rekognition", "describe-collection", "--collection-id", "nobody")
    assert answer.returncode in (254, 255)  # version 2, version 1
    assert "ResourceNotFoundException" in answer.stderr


def test_env_points_a_shell_at_the_server(live_server: Any) -> None:
    live_server.client().create_collection(CollectionId="people")
    command = f"{shlex.quote(sys.executable)} -m custodes env --data {shlex.quote(str(live_server.data))}"
    aws_cli = shlex.quote(str(Path(sys.executable).with_name("aws")))
    script = f'set -e; eval "$({command})"; {aws_cli} rekognition list-collections --query CollectionIds --output text'
    # Keys of somebody's other account are set, as they often are; the line must win over them.
    rivals = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_PAGER": ""}
    answer = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": "/usr/bin:/bin", "HOME": str(live_server.data), "NO_PROXY": "127.0.0.1", **rivals},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == "people"
