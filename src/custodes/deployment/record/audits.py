"""The audits of a data directory: that of the log, and beside it, in a process of its own, the deep one.

In: a data directory, the keys that one trusts. Out: both reports. It reads only.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from custodes.deployment.record.bodies import ledger_bodies
from custodes.deployment.record.statements import open_statements
from custodes.ledger.prover.audits.deep_audit import DeepAudit
from custodes.ledger.tlog.note import Verifier
from custodes.ledger.writer.audit import AuditReport, BodySource, Progress, audit
from custodes.ledger.writer.keys import load_or_create_secret
from custodes.storage.ledger.open import LedgerPaths, read_tiles


def audit_log(
    data: Path, keys: Sequence[Verifier], bodies: bool, progress: Progress, database: str = ""
) -> AuditReport:
    """Everything that was published, made again from the entries; private bodies as well if ``bodies``.

    ``database`` is where these are in that of several servers.

    Raises:
        UnavailableError: bodies are in a database, and none was named.
        OSError: files cannot be read.
    """
    paths = LedgerPaths(data)
    if not bodies or not paths.body_key.exists():
        return audit(read_tiles(data), keys, None, progress)
    with ledger_bodies(data, database) as stored:
        return audit(read_tiles(data), keys, BodySource(stored, load_or_create_secret(paths.body_key)), progress)


def audit_deeply(
    data: Path, keys: Sequence[Verifier], progress: Progress, database: str = ""
) -> tuple[AuditReport, DeepAudit | None]:
    """Both audits, side by side; there is no deep one where the log itself has a difference.

    Raises:
        MapError: the log is in order, and what is stated from it is not: the first difference.
        BodyError: what is stored is not what was committed.
        OSError: files cannot be read.
    """
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as other:
        deep = other.submit(deep_audit_of, data, database)
        report = audit_log(data, keys, True, progress, database)
        if report.difference is not None:
            deep.cancel()
            return report, None
        return report, deep.result()


def deep_audit_of(data: Path, database: str = "") -> DeepAudit:
    """The deep audit alone; raises as ``Statements.audit``."""
    with ledger_bodies(data, database) as bodies:
        return open_statements(data, bodies).audit(lambda _done, _all: None)
