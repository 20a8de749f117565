"""Several ``serve`` processes under load, killed, stopped and cut off at random: nothing acknowledged is lost, no fork.

Two of them for a moment; ``bench/node_faults.py`` does it with three, hundreds of times.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.node_faults import KINDS, Plan, survive
from tests.fakes.nodes import cluster
from tests.fakes.postgres import PostgresServer

pytestmark = pytest.mark.slow


@pytest.mark.timeout(300)
def test_random_kills_stops_and_cuts_under_load(tmp_path: Path, postgres: PostgresServer) -> None:
    with cluster(postgres.database(), tmp_path) as nodes:
        done = survive(nodes, postgres, Plan())
    assert set(done.faults) == set(KINDS)
    assert done.promises
