"""The provider's rules of a running server, and explanations of what they decided.

In: a data directory, the open ledger, the program's own set. Out: the keeper of the rules, checked and announced;
readers of decisions. It is to ``policy_files`` what ``ledger_server`` is to the files of the ledger.
"""

from __future__ import annotations

from pathlib import Path

from custodes.core.clock import Clock
from custodes.core.errors import UnavailableError
from custodes.deployment.record.ledger import ServerLedger, boot_time_ms
from custodes.jobs.schedule import Schedule, regularly
from custodes.ledger.writer.keys import load_or_create_secret
from custodes.operations.policy.change_control import Own, PolicyChanges
from custodes.operations.policy.explain import Explanations
from custodes.operations.record.evidence.map_heads import LedgerFiles
from custodes.storage.files.policy import FOLDER, PolicyFiles
from custodes.storage.ledger.open import LedgerPaths, read_bodies, read_tiles

ACTIVATE_MS = 100


def open_policy(data: Path, ledger: ServerLedger, clock: Clock, own: Own) -> PolicyChanges:
    """The rules of a running server: checked, announced, to be changed by commands.

    Raises:
        UnavailableError: they are not those that the ledger knows, or cannot be used.
    """
    office = PolicyChanges(PolicyFiles(data / FOLDER), ledger.attributed, clock, own, boot_time_ms)
    office.open()
    return office


def schedule_policy(office: PolicyChanges) -> Schedule:
    """Has a set of rules take force when its time has come."""
    return Schedule("policy", ACTIVATE_MS, regularly(office.activate))


def open_explanations(data: Path) -> Explanations:
    """Explanations of decisions; fine beside a running server. Raises UnavailableError when there is no ledger."""
    paths = LedgerPaths(data)
    if not paths.body_key.exists():
        raise UnavailableError(f"there is no ledger in {data}")
    files = LedgerFiles(read_tiles(data), paths.public, read_bodies(data), load_or_create_secret(paths.body_key))
    return Explanations(files, PolicyFiles(data / FOLDER).policy)
