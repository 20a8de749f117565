"""``custodes monitor``: watch the log of a server, from outside, and say so when it contradicts itself.

In: the address of a log's public files, a trust policy, a folder of one's own; receipts and statements that one was
given. Out: a mirror of the log in that folder; lines; alarms; exit status 0 when all is well, 1 at a contradiction, 2
when nothing can be told (no answer, too old, too few witnesses, a clock that is ahead). Nothing of a server's data
directory is needed.
"""

from __future__ import annotations

import fcntl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated

import typer

from custodes.cli.input_files import NoSuchInputError, require_folder
from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.ledger.__main__ import duration
from custodes.ledger.monitor.alarm import Alarms, Tell, post_webhook, run_command
from custodes.ledger.monitor.finding import FindingKind, LogFinding, contradiction
from custodes.ledger.monitor.look import Look, look
from custodes.ledger.monitor.mirror import Mirror
from custodes.ledger.monitor.receipts import check_receipts
from custodes.ledger.monitor.source import HttpLog
from custodes.ledger.monitor.statements import check_statements
from custodes.ledger.tlog.trust import TrustError, TrustPolicy, parse_policy
from custodes.ledger.verifier.expected import weakness


@dataclass(frozen=True, slots=True)
class _Watched:
    """What is watched, and what it is held against."""

    url: str
    policy: TrustPolicy
    max_age_ms: int
    receipts: Path | None
    statements: Path | None


def monitor(
    url: Annotated[str, typer.Argument(help="Where `checkpoint` stands, like https://server.example/ledger.")],
    state: Annotated[Path, typer.Option("--state", help="Folder for the mirror, findings and evidence.")],
    trust: Annotated[Path, typer.Option("--trust", help="Whom you trust: a tlog-policy file.")],
    command: Annotated[
        list[str] | None,
        typer.Argument(help="Program to run at an alarm, with its arguments, behind `--`; it reads the text."),
    ] = None,
    receipts: Annotated[Path | None, typer.Option("--receipts", help="Folder of receipts that you kept.")] = None,
    statements: Annotated[
        Path | None, typer.Option("--statements", help="Folder of statements and other files that you were given.")
    ] = None,
    max_age: Annotated[
        str, typer.Option("--max-age", help="How old the newest entry and cosignatures may be, like 3h.")
    ] = "3h",
    every: Annotated[str, typer.Option("--every", help="How often to look, like 5m.")] = "5m",
    once: Annotated[bool, typer.Option("--once", help="Look once and end, for cron.")] = False,
    webhook: Annotated[str | None, typer.Option("--webhook", help="URL that gets alarms, signed.")] = None,
    secret: Annotated[
        Path | None, typer.Option("--webhook-secret", help="File with the secret that signs them.")
    ] = None,
) -> None:
    """Watch a log from outside and raise an alarm when it contradicts itself."""
    if (webhook is None) != (secret is None):
        raise InvalidParameterError("--webhook and --webhook-secret belong together")
    tell: list[Tell] = [run_command(command, url)] if command else []
    try:
        pause_ms, max_age_ms = duration(every), duration(max_age)
        if webhook is not None and secret is not None:
            tell.append(post_webhook(webhook, secret.read_bytes().strip(), url))
        source = HttpLog(url)
    except ValueError as error:
        raise InvalidParameterError(str(error)) from error
    for folder in (receipts, statements):
        if folder is not None:
            require_folder(folder)
    watched = _Watched(url, trusted_policy(trust), max_age_ms, receipts, statements)
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        mirror, alarms = Mirror(state), Alarms(state, tell, max_age_ms)
    except ValueError as error:
        raise UnavailableError(str(error)) from error
    with (state / "lock").open("a") as lock:
        _alone(lock, state)
        while True:
            status = _run(watched, source, mirror, alarms)
            # Without anybody to tell, ending is how a contradiction is made known.
            if once or (status == 1 and not tell):
                raise typer.Exit(status)
            time.sleep(pause_ms / 1000)


def _alone(lock: IO[str], state: Path) -> None:
    """One monitor at a time, until ``lock`` is closed."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise UnavailableError(f"another monitor works in {state}") from error


def _run(watched: _Watched, source: HttpLog, mirror: Mirror, alarms: Alarms) -> int:
    now_ms = time.time_ns() // 1_000_000
    seen = look(mirror, source, watched.policy, now_ms, watched.max_age_ms)
    source.close()
    findings = [*seen.findings, *_compared(watched, mirror, now_ms)]
    failures = alarms.take(findings, now_ms)
    standing = [one.text for one in findings if one.kind is not FindingKind.CONTRADICTION]
    _print(seen, mirror, alarms.contradictions(), standing)
    for failure in failures:
        typer.echo(failure, err=True)
    return 1 if alarms.contradictions() else 2 if standing else 0


def _compared(watched: _Watched, mirror: Mirror, now_ms: int) -> list[LogFinding]:
    """What one was given, held against the mirror."""
    if not mirror.size:
        return []
    found, owned = list[LogFinding](), dict[int, str]()
    if watched.receipts is not None:
        for one in check_receipts(watched.receipts, watched.policy.logs, mirror, now_ms):
            if one.found is not None and one.account is not None:
                owned[one.found.index] = one.account
            if one.problem is not None:
                found.append(contradiction(f"{one.file.name}: {one.problem}", (one.file.name, one.file.read_bytes())))
    if watched.statements is not None:
        found += check_statements(watched.statements, watched.policy, mirror, owned)
    return found


def _print(seen: Look, mirror: Mirror, contradictions: list[str], standing: list[str]) -> None:
    for text in contradictions:
        typer.echo(f"CONTRADICTION  {text}")
    for text in standing:
        typer.echo(f"UNKNOWN  {text}")
    if not contradictions and not standing:
        typer.echo(f"OK  {mirror.size} entries, {seen.new} new")


def trusted_policy(trust: Path) -> TrustPolicy:
    """The policy in a file. Raises InvalidParameterError for one that is not there or cannot protect its reader."""
    if not trust.is_file():
        raise NoSuchInputError(
            f"there is no file {trust}: say with --trust whom you trust; a server's own is trust.policy in its data "
            "directory"
        )
    try:
        policy = parse_policy(trust.read_bytes())
    except TrustError as error:
        raise InvalidParameterError(f"{trust}: {error}") from error
    weak = weakness(policy)
    if weak is not None:
        raise InvalidParameterError(f"{trust}: {weak}")
    return policy
