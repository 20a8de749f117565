"""The audits of a data directory: that of the log, and beside it, in a process of its own, the deep one.

In: where a ledger is, the keys that one trusts. Out: both reports. It reads only.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from custodes.deployment.record.statements import open_statements
from custodes.deployment.record.stored import LedgerSource, stored_ledger, stored_tiles
from custodes.ledger.prover.audits.deep_audit import DeepAudit
from custodes.ledger.tlog.note import Verifier
from custodes.ledger.writer.audit import AuditReport, BodySource, Progress, audit
from custodes.ledger.writer.keys import load_or_create_secret
from custodes.storage.ledger.open import LedgerPaths


def audit_log(source: LedgerSource, keys: Sequence[Verifier], bodies: bool, progress: Progress) -> AuditReport:
    """Everything that was published, made again from the entries; private bodies as well if ``bodies``.

    Raises:
        UnavailableError: parts are in a database or a bucket, and none was named.
        OSError: files cannot be read.
    """
    paths = LedgerPaths(source.data)
    if not bodies or not paths.body_key.exists():
        return audit(stored_tiles(source), keys, None, progress)
    with stored_ledger(source) as stored:
        return audit(stored.tiles, keys, BodySource(stored.bodies, load_or_create_secret(paths.body_key)), progress)


def audit_deeply(
    source: LedgerSource, keys: Sequence[Verifier], progress: Progress
) -> tuple[AuditReport, DeepAudit | None]:
    """Both audits, side by side; there is no deep one where the log itself has a difference.

    Raises:
        MapError: the log is in order, and what is stated from it is not: the first difference.
        BodyError: what is stored is not what was committed.
        OSError: files cannot be read.
    """
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as other:
        deep = other.submit(deep_audit_of, source)
        report = audit_log(source, keys, True, progress)
        if report.difference is not None:
            deep.cancel()
            return report, None
        return report, deep.result()


def deep_audit_of(source: LedgerSource) -> DeepAudit:
    """The deep audit alone; raises as ``Statements.audit``."""
    with stored_ledger(source) as stored:
        return open_statements(source.data, stored).audit(lambda _done, _all: None)
