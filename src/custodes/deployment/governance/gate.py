"""The gate of a server and what it records with.

In: policies, a log, networks. Out: the gate that every operation passes.
"""

from __future__ import annotations

from custodes.core.ids import AccountId
from custodes.deployment.networks.computing import Computing
from custodes.deployment.tracing import Tracing
from custodes.engine.ports import FaceEngine
from custodes.governance.accounts.account import Status
from custodes.ledger.writer.published import RunningLog
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.record.incidents.reconciliation import MeteredRecorder
from custodes.operations.record.recorder import LedgerRecorder
from custodes.operations.record.start import Release
from custodes.operations.requests.gate import Gate, Policy, Recorder
from custodes.settings import Settings

APPROXIMATE = "approximate"


def recorder_of(
    settings: Settings, log: RunningLog, faces: FaceEngine, release: Release, computing: Computing
) -> Recorder:
    """Writes uses into ``log``, with the networks by version and digest, and tells the meter of permissions.

    Searches that may have missed somebody are on record as such.
    """
    search = APPROXIMATE if settings.search_engine.approximate else ""
    written = LedgerRecorder(log, f"{faces.model_version}/{release.models.hex()}", search)
    return MeteredRecorder(written, computing.meter)


def gate_of(spans: Tracing | None, policy: Policy, recorder: Recorder, accounts: AccountDirectory) -> Gate:
    """The gate for accounts that are in use."""

    def active(account_id: AccountId) -> bool:
        return accounts.status(account_id) is Status.ACTIVE

    return (Gate if spans is None else spans.gate)(policy, recorder, active)
