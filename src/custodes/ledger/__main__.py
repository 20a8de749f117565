"""``python -m custodes.ledger verify FILE --trust trust.policy``: check a statement or certificate offline.

In: paths. Out: the verdict in words on standard output, and an exit status: 0 for PRESENT and ABSENT, 2 for
UNDETERMINED, 1 for INVALID. It opens the files named and nothing else; it has no network.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates

from custodes.ledger.tlog.entry import EntryError
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, LedgerCorruptError, read_entries
from custodes.ledger.tlog.trust import TrustError, TrustPolicy, open_trusted, parse_policy
from custodes.ledger.verifier.attestation.check import LIMITS as MACHINE_LIMITS
from custodes.ledger.verifier.attestation.check import Attested, verify_attestation
from custodes.ledger.verifier.canonical_json import MAX_BYTES, StatementError
from custodes.ledger.verifier.erasure import LIMITS, verify_certificate
from custodes.ledger.verifier.expected import (
    SECTORS,
    Expectation,
    checkpoint_in,
    late_clock,
    other_question,
    stale,
    weakness,
)
from custodes.ledger.verifier.invoices.invoice import verify_invoice
from custodes.ledger.verifier.map_chain import check_chain
from custodes.ledger.verifier.maps.key_change_file import LIMITS as KEY_CHANGE_LIMITS
from custodes.ledger.verifier.maps.key_change_file import verify_key_change
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.verifier.moratorium.check import LIMITS as MORATORIUM_LIMITS
from custodes.ledger.verifier.moratorium.check import verify_moratorium
from custodes.ledger.verifier.party import party_json, render_party, verify_party
from custodes.ledger.verifier.public_log import log_check, read_log
from custodes.ledger.verifier.regulation.check import verify_regulation
from custodes.ledger.verifier.report import as_json, render
from custodes.ledger.verifier.texts import clean, moment
from custodes.ledger.verifier.timestamps.bracket import StampFile
from custodes.ledger.verifier.timestamps.token import StampError, read_roots
from custodes.ledger.verifier.verdict import verify

STATUS = {"PRESENT": 0, "ABSENT": 0, "UNDETERMINED": 2, "INVALID": 1}


class _Folder:
    """Public files of a log in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def get(self, path: str) -> bytes | None:
        file = self._root / path
        return file.read_bytes() if file.is_file() else None

    def entries(self, size: int) -> Iterator[tuple[int, bytes]]:
        return read_entries(self, size)


def check(
    path: Path,
    trust: Path,
    ledger: Path | None = None,
    expected: Expectation | None = None,
    stamps: tuple[Path, Path | None] | None = None,
) -> tuple[str, str, dict[str, object]]:
    """Word, text and JSON of the verdict on the file at ``path``.

    Args:
        path: a statement, a certificate of erasure, or an invoice.
        trust: the trust policy.
        ledger: folder with the public files of the log, if at hand; the totals are checked as well then.
        expected: what the reader asks; another question than that makes the file INVALID.
        stamps: a file of time stamps for a statement, and one with the root certificates that the reader pins, if any.
    """
    try:
        policy = parse_policy(trust.read_bytes())
        weak = weakness(policy)
        if weak is not None:
            raise TrustError(weak)
    except (OSError, TrustError) as error:
        return _plain("UNDETERMINED", [f"your trust policy cannot be used: {error}"])
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return _plain("UNDETERMINED", [f"the file cannot be read: {error.strerror}"])
    try:
        shown = None
        if stamps is not None:
            roots = () if stamps[1] is None else read_roots(stamps[1].read_bytes())
            shown = StampFile(stamps[0].read_bytes(), roots, policy)
            if not data[56:70].startswith(b'"statement"'):
                return _plain("UNDETERMINED", ["time stamps go with statements about one account or identifier only"])
        verdict = _judge(data, policy, ledger, shown)
        if ledger is not None and STATUS[verdict[0]] == 0:
            verdict = _held_against_log(verdict, data, policy, _Folder(ledger))
        return verdict if expected is None else _held_against(verdict, data, policy, expected)
    except (OSError, LedgerCorruptError, StampError) as error:
        return _plain("UNDETERMINED", [f"a file that goes with it cannot be read: {error}"])


def check_growth_file(path: Path, trust: Path, ledger: Path) -> tuple[str, str]:
    """Word and text on a file of proofs that each head of the account map continues the one before."""
    files = _Folder(ledger)
    try:
        policy = parse_policy(trust.read_bytes())
        tree = open_trusted(files.get(CHECKPOINT_PATH) or b"", policy).checkpoint
        with path.open("rb") as lines:
            chain = check_chain(lines, files.entries(tree.size), tree, policy.vrf_keys)
    except (OSError, LedgerCorruptError) as error:
        return "UNDETERMINED", f"a file cannot be read: {error}"
    except (TrustError, StatementError, MapError, ProofError, EntryError) as error:
        return "INVALID", str(error)
    return "PRESENT", (
        f"{chain.heads} heads of the account map, each continues the one before: {chain.uses} uses are credited to one "
        f"place each and to none in any other head; {chain.behind} uses came behind the newest head"
    )


def check_attestation(options: argparse.Namespace) -> tuple[str, str]:
    """Word and text on a file about a start of the server on a machine that a processor reports on."""
    files = _Folder(options.ledger)
    try:
        policy, note = parse_policy(options.trust.read_bytes()), files.get(CHECKPOINT_PATH) or b""
        chain, roots = (load_pem_x509_certificates(one.read_bytes()) for one in (options.chain, options.roots))
        entries = files.entries(open_trusted(note, policy).checkpoint.size)
        given = Attested(note, entries, chain, roots, options.measurement)
        found = verify_attestation(options.file.read_bytes(), policy, given)
    except (OSError, ValueError, TrustError, LedgerCorruptError) as error:
        return _plain("UNDETERMINED", [f"a file cannot be used: {error}"])[:2]
    return _plain(found.word, list(found.reasons), list(MACHINE_LIMITS))[:2]


def _held_against_log(
    verdict: tuple[str, str, dict[str, object]], data: bytes, policy: TrustPolicy, folder: _Folder
) -> tuple[str, str, dict[str, object]]:
    """The verdict, if the public entries obey the rules of the log, and say nothing more of clocks."""
    try:
        # Statements, parties, invoices and reports for regulators were held against the log already.
        if data[56:70].startswith((b'"erasure"', b'"moratorium"')):
            log_check(folder.entries)(open_trusted(checkpoint_in(data), policy).checkpoint)
        # A folder of entries alone goes as far as the file itself, whose signed state it was held against.
        note = folder.get(CHECKPOINT_PATH)
        tree = open_trusted(checkpoint_in(data) if note is None else note, policy).checkpoint
        late = late_clock(data, read_log(folder.entries(tree.size), tree))
    except (MapError, ProofError, EntryError, TrustError) as error:
        return _plain("INVALID", [str(error)])
    return verdict if late is None else _plain("UNDETERMINED", [late])


def _held_against(
    verdict: tuple[str, str, dict[str, object]], data: bytes, policy: TrustPolicy, expected: Expectation
) -> tuple[str, str, dict[str, object]]:
    """The verdict, if the file answers what was asked."""
    if verdict[0] == "INVALID":
        return verdict
    wrong = other_question(data, expected)
    if wrong:
        return _plain("INVALID", [f"this file answers another question: {one}" for one in wrong])
    old = None if expected.fresh_ms is None else stale(data, policy, expected.fresh_ms, _now_ms())
    return verdict if old is None or verdict[0] == "UNDETERMINED" else _plain("UNDETERMINED", [old])


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _judge(  # noqa: PLR0911 - one return a kind
    data: bytes, policy: TrustPolicy, ledger: Path | None, stamps: StampFile | None
) -> tuple[str, str, dict[str, object]]:
    # Canonical JSON sorts names, so what a file is stands behind its checksum at a fixed place.
    kind = data[56:70]
    if kind.startswith(b'"vrf"'):
        change = verify_key_change(data, policy)
        return _plain(change.word, list(change.reasons), list(KEY_CHANGE_LIMITS))
    if kind.startswith(b'"erasure"'):
        erasure = verify_certificate(data, policy)
        return _plain(erasure.word, list(erasure.reasons), list(LIMITS))
    entries = None if ledger is None else _Folder(ledger).entries
    whole = None if entries is None else log_check(entries)
    if kind.startswith(b'"invoice"'):
        invoice = verify_invoice(data, policy, entries, _now_ms())
        return _plain(invoice.word, list(invoice.reasons), list(invoice.limits))
    if kind.startswith(b'"party"'):
        party = verify_party(data, policy, whole)
        return party.word, render_party(party), party_json(party)
    if kind.startswith(b'"moratorium"'):
        report = verify_moratorium(data, policy, _now_ms())
        word, text, value = _plain(report.word, list(report.reasons), list(MORATORIUM_LIMITS))
        return word, text, value | dict(report.numbers)
    if kind.startswith(b'"regulation"'):
        found = verify_regulation(data, policy, entries, _now_ms())
        word, text, value = _plain(found.word, list(found.reasons), list(found.limits))
        return word, text, value | {"figures": dict(found.figures)}
    verdict = verify(data, policy, whole, _now_ms(), None if stamps is None else stamps.bracket)
    return verdict.word, render(verdict), as_json(verdict)


def _plain(word: str, reasons: list[str], limits: list[str] | None = None) -> tuple[str, str, dict[str, object]]:
    lines = [word, "", *(f"  - {clean(reason)}" for reason in reasons)]
    if limits and STATUS[word] == 0:
        lines += ["", "What this does not show", *(f"  - {limit}" for limit in limits)]
    return word, "\n".join(lines) + "\n", {"verdict": word, "reasons": reasons, "does_not_show": limits or []}


def _moment(text: str) -> int:
    """Milliseconds of an ISO date or time; without a zone it is UTC."""
    found = datetime.fromisoformat(text)
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def duration(text: str) -> int:
    """Milliseconds of a number with a unit: d, h, m or s. Raises ValueError for anything else."""
    unit = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000}.get(text[-1:])
    if unit is None or not text[:-1].isdecimal():
        raise ValueError(f"not a duration like 1d, 12h, 30m or 90s: {text}")
    return int(text[:-1]) * unit


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with ``arguments`` (by default those of the process); the exit status."""
    parser = argparse.ArgumentParser(prog="custodes.ledger", description="Check what the operator of a log states.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("verify", help="check a statement, a certificate of erasure or an invoice")
    command.add_argument("file", type=Path)
    command.add_argument("--trust", type=Path, required=True, help="whom you trust: a C2SP tlog-policy file")
    command.add_argument("--ledger", type=Path, help="folder with the log's public files, to check the totals as well")
    command.add_argument("--expect-account", metavar="ID", help="account you ask about: twelve digits")
    command.add_argument("--expect-identifier", metavar="NAME", help="party you ask about, like lei:... or namefp:...")
    command.add_argument("--expect-sector", choices=SECTORS, help="sector you ask about, for a moratorium report")
    command.add_argument(
        "--from", dest="begin", type=_moment, help="start of the period you ask about, like 2026-01-01"
    )
    command.add_argument("--to", dest="end", type=_moment, help="its end, not included")
    command.add_argument("--fresh", type=duration, help="how old the state of the log may be, like 1d, 12h or 30m")
    command.add_argument("--stamps", type=Path, help="file of time stamps that came with a statement")
    command.add_argument("--stamp-roots", type=Path, help="root certificates (PEM) of the authorities that you trust")
    command.add_argument("--json", action="store_true", help="for programs")
    grown = commands.add_parser("growth", help="check that each head of the account map continues the one before")
    grown.add_argument("file", type=Path, help="written by custodes ledger growth")
    grown.add_argument("--trust", type=Path, required=True, help="whom you trust: a C2SP tlog-policy file")
    grown.add_argument("--ledger", type=Path, required=True, help="folder with the log's public files")
    attested = commands.add_parser("attestation", help="check which machine a start of the server ran on")
    attested.add_argument("file", type=Path, help="of the folder attestations of a server")
    attested.add_argument("--trust", type=Path, required=True, help="whom you trust: a C2SP tlog-policy file")
    attested.add_argument("--ledger", type=Path, required=True, help="folder with the log's public files")
    attested.add_argument("--chain", type=Path, required=True, help="certificates (PEM): processor's key, its issuers")
    attested.add_argument("--roots", type=Path, required=True, help="root certificates (PEM) of its maker")
    attested.add_argument("--measurement", type=bytes.fromhex, help="what the machine was to be started from, in hex")
    options = parser.parse_args(arguments)
    beside = [getattr(options, name, None) for name in ("ledger", "stamps", "stamp_roots", "chain", "roots")]
    missing = next((path for path in (options.file, options.trust) if not path.is_file()), None)
    missing = missing or next((path for path in beside if path is not None and not path.exists()), None)
    if missing is not None:
        command.error(f"there is no file {missing}")  # not a verdict: nothing was looked at
    if options.command == "growth":
        word, text = check_growth_file(options.file, options.trust, options.ledger)
        sys.stdout.write(f"{'OK' if word == 'PRESENT' else word}\n\n{clean(text)}\n")
        return STATUS[word]
    if options.command == "attestation":
        word, text = check_attestation(options)
        sys.stdout.write(text)
        return STATUS[word]
    name = options.expect_identifier or (f"acct:{options.expect_account}" if options.expect_account else None)
    expected = Expectation(name, options.expect_sector, options.begin, options.end, options.fresh)
    if options.stamps is None and options.stamp_roots is not None:
        parser.error("--stamp-roots goes with --stamps")
    stamps = None if options.stamps is None else (options.stamps, options.stamp_roots)
    word, text, value = check(options.file, options.trust, options.ledger, expected, stamps)
    if not options.json and expected != Expectation():
        asked = [name, options.expect_sector and f"sector {options.expect_sector}"]
        asked += [
            f"{word_} {moment(t)}" for word_, t in (("from", options.begin), ("to", options.end)) if t is not None
        ]
        text = text.replace("\n", f"\n\nYou ask: {clean(', '.join(one for one in asked if one) or 'anything')}\n", 1)
    sys.stdout.write(json.dumps(value) + "\n" if options.json else text)
    return STATUS[word]


if __name__ == "__main__":
    sys.exit(main())
