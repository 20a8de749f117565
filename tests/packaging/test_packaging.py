"""Files for running it elsewhere name only what exists: settings, commands, flags, metrics, paths."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
import typer

from custodes.cli.main import app
from custodes.edge.http.metrics import Metrics
from custodes.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
FILES = sorted(
    path
    for path in [*PACKAGING.rglob("*"), ROOT / "docs" / "guides" / "running.md"]
    if path.is_file() and path.parent.name != "__pycache__"
)
SETTINGS = {f"{PREFIX}{item.name.upper()}" for item in fields(Settings)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_variables_are_settings(path):
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", path.read_text(encoding="utf-8"))) - SETTINGS == set()


def test_flags_of_serve_exist():
    serve = typer.main.get_command(app).commands["serve"]
    known = {name for parameter in serve.params for name in parameter.opts}
    texts = [path.read_text(encoding="utf-8") for path in FILES]
    lines = [line for text in texts for line in text.splitlines() if re.search(r"custodes serve|\"serve\"", line)]
    assert lines
    for line in lines:
        assert set(re.findall(r"--[a-z-]+", line)) - known == set(), line


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_metrics_exist(path):
    metrics = Metrics()
    metrics.arrived()
    metrics.left("DetectFaces", "OK", 0.1)
    there = set(re.findall(r"^(custodes_[a-z_]+)", metrics.text().decode(), re.MULTILINE))
    assert set(re.findall(r"\bcustodes_request[a-z_]*", path.read_text(encoding="utf-8"))) - there == set()


def test_paths_that_are_copied_exist():
    for line in (PACKAGING / "Containerfile").read_text().splitlines():
        if line.startswith("COPY") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source


def test_the_dashboard_is_json_with_questions_in_every_panel():
    board = json.loads((PACKAGING / "grafana" / "custodes.json").read_text())
    assert all(panel["targets"] and panel["title"] for panel in board["panels"])


def test_every_alert_is_explained():
    named = set(re.findall(r"alert: (\w+)", (PACKAGING / "alerts.yaml").read_text()))
    explained = set(re.findall(r"^\| (Custodes\w+) \|", (ROOT / "docs/guides/running.md").read_text(), re.MULTILINE))
    assert named == explained


def test_the_unit_is_confined():
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    unit = PACKAGING / "systemd" / "custodes.service"
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=25", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout[-2000:]
