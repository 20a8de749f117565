"""The same requests to a server with its own database, to one on PostgreSQL, and to three in turn: nothing differs."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.engine import SquareEngine
from tests.fakes.everyday import Everyday, closed, on_record
from tests.fakes.live import running
from tests.fakes.nodes import running_node
from tests.fakes.postgres import PostgresServer

pytestmark = pytest.mark.slow

REQUESTS = 60


def asked(data: Path, database: str, nodes: int) -> tuple[list[Any], Any]:
    """Answers, and what is on record of them; of a server alone where there are no ``nodes``."""
    with ExitStack() as opened:
        if nodes:
            names = [f"node-{number}" for number in range(nodes)]
            servers: list[Any] = [opened.enter_context(running_node(name, database, data)) for name in names]
        else:
            servers = [opened.enter_context(running(data, {"database": database}, engine=SquareEngine()))]
        clients = [server.client() for server in servers]
        everyday = Everyday(clients)
        everyday.run(REQUESTS)
        closed(*clients)
    return everyday.answers, on_record(data, database if nodes else "")


def test_answers_and_sums_are_equal(tmp_path: Path, postgres: PostgresServer) -> None:
    answers, record = asked(tmp_path / "embedded", "", 0)
    errors = sum("Error" in answer for _, answer in answers)
    assert len(answers) == REQUESTS and 0 < errors < REQUESTS / 2 and record["erased",] > 0
    assert asked(tmp_path / "one", postgres.database(), 0) == (answers, record)
    assert asked(tmp_path / "named", postgres.database(), 1) == (answers, record)
    assert asked(tmp_path / "three", postgres.database(), 3) == (answers, record)
