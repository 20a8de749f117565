"""The provider's rules of a running server, and explanations of what they decided.

In: a data directory, the open ledger, the program's own set. Out: the keeper of the rules, checked and announced;
readers of decisions. It is to ``policy_files`` what ``ledger_server`` is to the files of the ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from custodes.core.clock import Clock
from custodes.core.errors import UnavailableError
from custodes.deployment.record.ledger import ServerLedger, boot_time_ms
from custodes.deployment.record.statements import ledger_files
from custodes.deployment.record.stored import StoredLedger, in_directory
from custodes.governance.provider.policy_set import PolicySet
from custodes.governance.provider.records import RecordPlace, replay
from custodes.jobs.schedule import Schedule, regularly
from custodes.ledger.prover.ports import Documents
from custodes.operations.policy.change_control import Own, PolicyChanges
from custodes.operations.policy.explain import Explanations
from custodes.storage.files.policy import PolicyFiles
from custodes.storage.ledger.open import LedgerPaths

ACTIVATE_MS = 100


class _ToldFiles(PolicyFiles):
    """The rules' files; what is in force is told to other servers as soon as a record has its place."""

    def __init__(self, documents: Documents, told: Callable[[PolicySet], object]) -> None:
        super().__init__(documents)
        self._tell = told

    def place(self, place: RecordPlace) -> None:
        """See PolicyStore."""
        super().place(place)
        self._tell(self.policy(replay(self).in_force))


def open_policy(
    documents: Documents,
    ledger: ServerLedger,
    clock: Clock,
    own: Own,
    told: Callable[[PolicySet], object] = lambda _: None,
) -> PolicyChanges:
    """The rules of a running server, among ``documents``: checked, announced, to be changed by commands.

    ``told`` is called with the set in force now, and whenever a record got its place.

    Raises:
        UnavailableError: they are not those that the ledger knows, or cannot be used.
    """
    files = _ToldFiles(documents, told)
    office = PolicyChanges(files, ledger.attributed, clock, own, boot_time_ms)
    office.open()
    told(files.policy(office.state.in_force))
    return office


def schedule_policy(office: PolicyChanges) -> Schedule:
    """Has a set of rules take force when its time has come."""
    return Schedule("policy", ACTIVATE_MS, regularly(office.activate))


def open_explanations(data: Path, stored: StoredLedger | None = None) -> Explanations:
    """Explanations of decisions; fine beside a running server; ``stored`` where it is not in the directory.

    Raises:
        UnavailableError: there is no ledger.
    """
    paths = LedgerPaths(data)
    if not paths.body_key.exists():
        raise UnavailableError(f"there is no ledger in {data}")
    found = stored or in_directory(data)
    return Explanations(ledger_files(data, found), PolicyFiles(found.documents).policy)
