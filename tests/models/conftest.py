"""Fixtures of the model tests: the fetched pack, original files, and tfjs in a cache folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from custodes.core.errors import CustodesError
from custodes.models.archives import read_members
from custodes.models.card import ModelCard, load_cards
from custodes.models.fetch import fetch
from custodes.models.sources import Silent, local_tools, obtain
from custodes.models.store import ModelStore, default_root
from custodes.settings import from_environment


@pytest.fixture(scope="session")
def models_root() -> Path:
    return from_environment().models or default_root(os.environ)


@pytest.fixture(scope="session")
def models(models_root: Path) -> Callable[[str], tuple[ModelCard, Path]]:
    """Card and ONNX file of a model by name, fetched when needed; skips with the reason when it cannot be had."""

    def get(name: str) -> tuple[ModelCard, Path]:
        card = load_cards()[name]
        store = ModelStore(models_root)
        mirror = from_environment().mirror
        try:
            result = fetch(store, [card], local_tools(os.environ, Path(mirror) if mirror else None, Silent()))[0]
            return card, store.path(card)
        except CustodesError as error:
            pytest.skip(f"model {name} cannot be had: {error.message} {result.detail if 'result' in locals() else ''}")

    return get


@pytest.fixture(scope="session")
def originals(models_root: Path) -> Callable[[str], tuple[ModelCard, Mapping[str, bytes]]]:
    """Card and original files of a model; archives are kept for the next run."""

    def get(name: str) -> tuple[ModelCard, Mapping[str, bytes]]:
        card = load_cards()[name]
        mirror = from_environment().mirror
        tools = local_tools(os.environ, Path(mirror) if mirror else None, Silent())
        try:
            path = obtain(card.archive, models_root.parent / "test-archives", tools)
            return card, read_members(path, name, card.files)
        except (CustodesError, OSError) as error:
            pytest.skip(f"original files of {name} cannot be had: {error}")

    return get


@pytest.fixture(scope="session")
def reference_cache(models_root: Path) -> Path:
    """Folder with tfjs installed; skips when npm or the registry is missing."""
    from tests.models.references import install_tfjs

    cache = models_root.parent / "test-references"
    try:
        install_tfjs(cache)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"tfjs cannot be installed: {error}")
    return cache
