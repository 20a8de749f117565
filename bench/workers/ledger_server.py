"""The real server, with or without the ledger: the switch that exists in benchmarks only.

``python bench/workers/ledger_server.py [--no-ledger] [--fake]``. In: settings in the environment. ``--fake`` computes
nothing, with the predictable engine of the tests, so that what is left is the server itself.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from custodes.cli.server import logs
from custodes.cli.server.listener import Listener
from custodes.deployment.networks.computing import open_engine
from custodes.deployment.server import open_deployment
from custodes.engine.ports import FaceEngine
from custodes.operations.requests.gate import CountingRecorder, Recorder
from custodes.settings import Settings, from_environment


@contextmanager
def engine(settings: Settings) -> Iterator[FaceEngine]:
    """The networks, or with ``--fake`` none."""
    if "--fake" in sys.argv:
        sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
        from tests.fakes.engine import SquareEngine

        yield SquareEngine()
        return
    with open_engine(settings) as opened:
        yield opened


def recording(recorder: Recorder) -> Recorder:
    """Uses counted in memory only, where the ledger's cost is measured by leaving it out."""
    return CountingRecorder() if "--no-ledger" in sys.argv else recorder


def main() -> None:
    settings = from_environment()
    logs.configure("warning", settings.log_format)
    with closing(Listener(settings.host, settings.port)) as listener, engine(settings) as faces:
        signal.signal(signal.SIGTERM, lambda _signal, _frame: listener.stop())
        with open_deployment(settings, endpoint_url=listener.url, engine=faces, recording=recording) as deployment:
            listener.serve(deployment.app(), settings.shutdown_s, lambda: None)


if __name__ == "__main__":
    main()
