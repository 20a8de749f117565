"""``python tests/fakes/serve.py DIR``: the real server on a free port, with the predictable engine instead of networks.

In: a data directory. Out: what ``custodes serve`` prints. Lets tests kill, stop and restart a whole process without
model files.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from custodes.cli.server.serve import serve_until_stopped
from custodes.core.errors import CustodesError
from custodes.settings import Settings
from tests.fakes.engine import SquareEngine
from tests.fakes.square_sight import square_sight


def shared() -> dict[str, Any]:
    """What makes it one of several, where the environment says so."""
    if "CUSTODES_NODE" not in os.environ:
        return {}
    names = ("database", "node", "search")
    texts = {name: found for name in names if (found := os.environ.get(f"CUSTODES_{name.upper()}"))}
    return {**texts, "shard_faces": int(os.environ.get("CUSTODES_SHARD_FACES", "262144"))}


def certificate() -> dict[str, Path]:
    """The files to serve HTTPS with, where the environment names them."""
    names = {"tls_cert": "CUSTODES_TLS_CERT", "tls_key": "CUSTODES_TLS_KEY"}
    return {setting: Path(os.environ[name]) for setting, name in names.items() if name in os.environ}


if __name__ == "__main__":
    try:
        settings = Settings(data=Path(sys.argv[1]), port=0, region="eu-central-1", shutdown_s=3)
        settings = replace(settings, **certificate(), **shared())
        engine = SquareEngine()
        serve_until_stopped(settings, engine, square_sight(settings, engine))
    except CustodesError as error:
        print(f"custodes: {error.message}", file=sys.stderr)
        sys.exit(1)
