"""Commands of the operator that have the ledger written: heads of the maps, bills, the end of private bodies.

In: commands. Out: the index of the entry that each led to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.clock import Clock
from custodes.core.errors import ConflictError, CustodesError, NotFoundError, UnavailableError
from custodes.ledger.tlog.entry import b64url
from custodes.ledger.writer.published import RunningLog
from custodes.operations.record.consent import Consent
from custodes.operations.record.evidence.body_destruction import Destruction
from custodes.operations.record.evidence.statements import Statements
from custodes.operations.record.housekeeping import FAILURES, Housekeeping
from custodes.operations.requests.admin import AdminCommand, AdminHandlers, EntryWritten
from custodes.operations.requests.properties import READS, Properties

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseMapHeads(AdminCommand):
    """A head of the account map over everything so far, confirmed by witnesses where there are any."""

    operation: ClassVar[str] = "ledger head"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePartyHead(AdminCommand):
    """A head of the party map."""

    operation: ClassVar[str] = "ledger party-head"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBilling(AdminCommand):
    """Bill a month that is over; ``prices`` is the text of a price list, None the default one."""

    operation: ClassVar[str] = "billing run"
    month: str
    prices: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyBodies(AdminCommand):
    """Destroy the private parts of an account's uses before a time; ``rule`` is the short name of what asks for it."""

    operation: ClassVar[str] = "ledger destroy-bodies"
    account: str
    before_ms: int
    reason: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskWitnesses(AdminCommand):
    """Have the newest checkpoint confirmed, by the operator's witnesses or those of the text of a trust policy."""

    operation: ClassVar[str] = "witness ask"
    policy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateLogKey(AdminCommand):
    """A new key for the log, handed over by the old one in the log itself."""

    operation: ClassVar[str] = "ledger rotate-key"


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """What a witness said instead of confirming; None where it confirmed."""

    name: str
    refused: str | None


@dataclass(frozen=True, slots=True)
class WitnessAnswers:
    """All who were asked."""

    witnesses: tuple[WitnessAnswer, ...]


@dataclass(frozen=True, slots=True)
class LogKeyRotated:
    """The ``key`` entry, and the new public key as verifiers write it."""

    index: int
    public_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeVrfKey(AdminCommand):
    """A new key for places of names in maps, every name proven under both; two officers sign where there are any."""

    operation: ClassVar[str] = "ledger change-vrf-key"
    signatures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveVrfKeyChange(AdminCommand):
    """The file about a change of that key, for auditors."""

    operation: ClassVar[str] = "ledger vrf-key-change"
    properties: ClassVar[Properties] = READS
    index: int


@dataclass(frozen=True, slots=True)
class VrfKeyChanged:
    """The entry of a change, the new public key in base64url, and who signed."""

    index: int
    public_key: str
    signers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VrfKeyChangeProof:
    """The text of the file about a change."""

    file: str


def vrf_order(public: bytes) -> Mapping[str, object]:
    """What officers sign for a change of the VRF key: that this one is replaced."""
    return {"replaced": b64url(public)}


@dataclass(frozen=True, slots=True)
class LogRetention:
    """For how many days at least the private parts of uses are kept (Regulation (EU) 2024/1689 art. 19, 26(6))."""

    clock: Clock
    days: int

    def check(self, before_ms: int) -> None:
        """Raise ConflictError where uses from before ``before_ms`` may be younger."""
        if before_ms > self.clock.now_ms() - self.days * DAY_MS:
            raise ConflictError(
                f"private parts of uses are kept for {self.days} days (setting ledger_min_retention_days), only uses "
                "from before that can lose theirs"
            )


def ledger_handlers(
    duties: Housekeeping, statements: Statements, log: RunningLog, retention: LogRetention, consent: Consent
) -> AdminHandlers:
    """What carries these commands out. All raise UnavailableError when they cannot be; the message says why."""

    def made(work: Callable[[], int]) -> EntryWritten:
        try:
            return EntryWritten(work())
        except CustodesError:
            raise
        except FAILURES as error:
            raise UnavailableError(str(error) or type(error).__name__) from error

    def destroyed(command: DestroyBodies) -> EntryWritten:
        retention.check(command.before_ms)
        what = Destruction(command.account, command.before_ms, command.reason, command.rule)
        return made(lambda: statements.destroy_bodies(what, log))

    def asked(command: AskWitnesses) -> WitnessAnswers:
        try:
            found = duties.ask_witnesses(command.policy)
        except CustodesError:
            raise
        except FAILURES as error:
            raise UnavailableError(str(error) or type(error).__name__) from error
        return WitnessAnswers(tuple(WitnessAnswer(name, reason) for name, reason in found.items()))

    def changed(command: ChangeVrfKey) -> VrfKeyChanged:
        order = vrf_order(statements.maps.vrf_public())
        signed = consent.check(command.operation, order, command.signatures, 2)
        body = {"op": command.operation, "signatures": dict(signed)}
        found = made(lambda: statements.maps.change_vrf_key(log, body, len(signed)))
        return VrfKeyChanged(found.index, b64url(statements.maps.vrf_public()), tuple(sorted(signed)))

    def proven(command: ProveVrfKeyChange) -> VrfKeyChangeProof:
        try:
            return VrfKeyChangeProof(statements.maps.key_change(command.index).decode())
        except LookupError as error:
            raise NotFoundError(str(error)) from error
        except FAILURES as error:
            raise UnavailableError(str(error)) from error

    return {
        ChangeVrfKey: changed,
        ProveVrfKeyChange: proven,
        CloseMapHeads: lambda _: made(duties.close_heads),
        ClosePartyHead: lambda _: made(lambda: statements.close_party_head(log)),
        RunBilling: lambda command: made(lambda: duties.bill(command.month, command.prices)),
        DestroyBodies: destroyed,
        AskWitnesses: asked,
    }


def rotation_handlers(rotate: Callable[[], LogKeyRotated]) -> AdminHandlers:
    """What replaces the key of the log."""
    return {RotateLogKey: lambda _: rotate()}


def no_rotation() -> LogKeyRotated:
    """The answer of a server: what it signs would change under it."""
    raise ConflictError("the log's key is replaced while no server runs; stop it first")
