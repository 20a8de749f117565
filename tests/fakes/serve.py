"""``python tests/fakes/serve.py DIR``: the real server on a free port, with the predictable engine instead of networks.

In: a data directory. Out: what ``custodes serve`` prints. Lets tests kill, stop and restart a whole process without
model files.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from custodes.cli.serve import serve_until_stopped
from custodes.core.errors import CustodesError
from custodes.settings import Settings
from fakes.engine import SquareEngine

if __name__ == "__main__":
    try:
        serve_until_stopped(
            Settings(data=Path(sys.argv[1]), port=0, region="eu-central-1", shutdown_s=3), engine=SquareEngine()
        )
    except CustodesError as error:
        print(f"custodes: {error.message}", file=sys.stderr)
        sys.exit(1)
