"""AWS's Custom Labels flow from the SDK for JavaScript v3, with its own waiters."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fakes.studio import PICTURES, RESULTS, Studio

SUITE = Path(__file__).parents[1] / "clients" / "suites" / "custom_labels.mjs"
MODULES = Path(__file__).parents[2] / "build" / "node_modules"

pytestmark = pytest.mark.npm


def test_from_a_manifest_to_answers(studio: Studio) -> None:
    node = shutil.which("node")
    if node is None or not (MODULES / "@aws-sdk/client-rekognition").is_dir():
        pytest.skip("needs Node.js and @aws-sdk/client-rekognition: scripts/install-test-tools.sh")
    studio.manifest("js/train.manifest", studio.coloured(["red", "blue"], 5, "js/"))
    done = subprocess.run(
        [node, str(SUITE), studio.server.url, "eu-central-1", PICTURES, RESULTS],
        env={**studio.server.environment(), "NODE_MODULES": str(MODULES)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"labels": ["red"], "status": "DELETING"}
