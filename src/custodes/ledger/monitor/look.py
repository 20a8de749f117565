"""One look at a log: what is new goes into the mirror, and what is not as it must be comes out as findings.

In: the mirror, the log's public files, whom to trust, the reader's clock. Out: findings, none when all is well. A log
that signed two histories, or shows less than before, contradicts itself; one that stands still, that too few witnesses
confirm, whose clock runs ahead or that does not answer, cannot be told from one that hides something.
"""

from __future__ import annotations

from dataclasses import dataclass

from custodes.ledger.monitor.finding import FindingKind, LogFinding, contradiction
from custodes.ledger.monitor.mirror import ContradictionError, Mirror
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, LedgerCorruptError, TileReader
from custodes.ledger.tlog.trust import NONE, Trusted, TrustError, TrustPolicy, open_trusted
from custodes.ledger.tree.tiles import WITNESSED_PATH
from custodes.ledger.verifier.maps.head import check_key
from custodes.ledger.verifier.maps.proof import MapError

_SLACK_MS = 60_000


@dataclass(frozen=True, slots=True)
class Look:
    """What one look gave: entries that are new, and findings."""

    new: int
    findings: tuple[LogFinding, ...]


def look(mirror: Mirror, source: TileReader, policy: TrustPolicy, now_ms: int, max_age_ms: int) -> Look:
    """Look once.

    Args:
        mirror: grows by what is new.
        source: the log's public files; OSError when they cannot be fetched.
        policy: whom the reader trusts.
        now_ms: the reader's clock.
        max_age_ms: so old at most the newest entry and the newest cosignatures may be.
    """
    before = mirror.verified.note
    shown = b""
    try:
        # The cosigned state first: by the time the other is fetched, it has to be part of it.
        witnessed = source.get(WITNESSED_PATH)
        shown = source.get(CHECKPOINT_PATH) or b""
        if not shown:
            raise LedgerCorruptError("the log shows no checkpoint")
        newest = open_trusted(shown, policy)
        new = mirror.grow(shown, newest.checkpoint, source)
        for index, head in mirror.verified.log.heads.values():
            check_key(head, index, policy.vrf_keys)
        cosigned = _cosigned(mirror, newest, witnessed, policy)
    except (ContradictionError, TrustError, MapError) as error:
        files = (("before.checkpoint", before), ("now.checkpoint", shown))
        return Look(0, (contradiction(str(error), *files),))
    except (LedgerCorruptError, OSError) as error:
        return Look(0, (LogFinding(FindingKind.UNREACHABLE, f"the log cannot be read: {error}"),))
    return Look(new, tuple(_doubts(mirror, cosigned, policy, now_ms, max_age_ms)))


def _cosigned(mirror: Mirror, newest: Trusted, witnessed: bytes | None, policy: TrustPolicy) -> Trusted:
    """The state that witnesses saw last, which must be of the same history."""
    if witnessed is None:
        return newest
    found = open_trusted(witnessed, policy)
    if found.checkpoint.size > mirror.verified.size:
        raise ContradictionError(
            f"rollback: the log shows {mirror.verified.size} entries, and {found.checkpoint.size} to its witnesses"
        )
    mirror.check_prefix(found.checkpoint, "what the witnesses confirmed")
    return max(newest, found, key=lambda each: each.seen_at or -1)


def _doubts(mirror: Mirror, cosigned: Trusted, policy: TrustPolicy, now_ms: int, max_age_ms: int) -> list[LogFinding]:
    found, newest_ms = [], mirror.verified.log.t
    if now_ms - newest_ms > max_age_ms:
        found.append(_frozen(f"the newest entry is {_age(now_ms - newest_ms)} old; a log that works has one each hour"))
    if newest_ms > now_ms + _SLACK_MS:
        found.append(LogFinding(FindingKind.CLOCK, f"the log's clock is {_age(newest_ms - now_ms)} ahead of yours"))
    if policy.quorum == NONE:
        return found
    if cosigned.seen_at is None or not cosigned.quorum_met:
        names = ", ".join(sorted(cosigned.times)) or "none"
        found.append(
            LogFinding(FindingKind.UNWITNESSED, f"too few of the witnesses that you trust confirmed the log ({names})")
        )
    elif now_ms - cosigned.seen_at * 1000 > max_age_ms:
        found.append(_frozen(f"the witnesses saw the log {_age(now_ms - cosigned.seen_at * 1000)} ago"))
    return found


def _frozen(text: str) -> LogFinding:
    return LogFinding(FindingKind.FROZEN, text)


def _age(ms: int) -> str:
    minutes = ms // 60_000
    return f"{minutes} minutes" if minutes < 180 else f"{minutes // 60} hours"
