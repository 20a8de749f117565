"""The ledger's side duties: hourly heads of the account map, cosignatures, statements, and invoices of a month.

In: the files of the log, documents and key of the maps, whom to ask. Out: entries in the log, files for others. The
server calls ``close_head`` and ``ask_witnesses`` every hour; commands call the rest, also beside a running server. What
is made here is checked by ``custodes.ledger`` alone, on a stranger's machine.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping

from custodes.ledger.prover.audits.deep_audit import Audited, DeepAudit, Progress, deep_audit
from custodes.ledger.prover.erasure import ErasureRecords, certificate
from custodes.ledger.prover.files import encode_file, encode_regulation
from custodes.ledger.prover.invoices.invoice_files import BillingStore
from custodes.ledger.prover.invoices.invoice_run import BillingRun, bill_month
from custodes.ledger.prover.invoices.kept_tally import KeptTally, tally_of
from custodes.ledger.prover.invoices.use_tally import UseTally
from custodes.ledger.prover.maps.vrf_keys import VrfKeyStore
from custodes.ledger.prover.moratorium import Sets, build_report
from custodes.ledger.prover.ports import Documents
from custodes.ledger.prover.regulation_report import build_regulation
from custodes.ledger.prover.sources import AccountSources, LogFiles, open_log_files, reaches
from custodes.ledger.prover.stamps import stamp_file
from custodes.ledger.prover.statement import Sources, build
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH
from custodes.ledger.tlog.trust import TrustPolicy, Witness
from custodes.ledger.tree.tiles import WITNESSED_PATH
from custodes.ledger.verifier.invoices.meter import Month
from custodes.ledger.verifier.invoices.prices import PriceList
from custodes.ledger.verifier.maps.head import PARTY_MAP, account_name
from custodes.ledger.verifier.moratorium.report import MoratoriumQuestion
from custodes.ledger.verifier.party import PartyQuestion
from custodes.ledger.verifier.statement import Question, map_of, parse
from custodes.ledger.witness.client import Cosigned, Post, ask_all
from custodes.ledger.writer.body import unseal
from custodes.ledger.writer.published import RunningLog
from custodes.operations.record.evidence.body_destruction import Destruction, destroy
from custodes.operations.record.evidence.map_heads import LedgerFiles, MapHeads

_TALLY = "uses.tally"


class Statements:
    """The duties over one ledger."""

    def __init__(self, files: LedgerFiles, documents: Documents, vrf_keys: VrfKeyStore) -> None:
        """Read ``files``, keep state in ``documents``, place names under ``vrf_keys``."""
        self._files = files
        self.maps = MapHeads(files, documents, vrf_keys)
        self.parties = self.maps.parties
        self._tally = KeptTally(documents, _TALLY)
        self.close_head, self.close_party_head = self.maps.close_head, self.maps.close_party_head

    def destroy_bodies(self, what: Destruction, log: RunningLog) -> int:
        """Destroy private bodies on record; see ``body_destruction.destroy``."""
        with self.maps.lock:
            files = self.maps.newest()
            accounts, head = self.maps.at_head(files)
            if head is None:
                raise LookupError("the account map has no head yet; private bodies stay until one counts their uses")
            return destroy(what, AccountSources(files, self.maps.state(), accounts, head), log)

    def audit(self, progress: Progress) -> DeepAudit:
        """Make maps and excerpts again from the private bodies and compare; raises as ``deep_audit``."""
        return deep_audit(
            Audited(
                self.maps.vrf_keys.keys(),
                self.maps.newest(),
                self.maps.state(),
                self.maps.key_changes,
                self.maps.party_files,
                self.bills,
            ),
            progress,
        )

    def facts_of(self, index: int) -> Mapping[str, object]:
        """The private body of a published entry; empty where there is none.

        Raises:
            BodyError: what is stored is not what was committed.
        """
        log = self.maps.newest()
        entry, sealed = decode(log.entry(index)), log.bodies.get(index)
        if sealed is None or entry.commitment is None:
            return {}
        facts: dict[str, object] = json.loads(unseal(sealed, entry.commitment, log.body_key))
        return facts

    def behind(self) -> bool:
        """Whether the last head leaves out a use or a word on a wrong clock that is published, or there is none yet."""
        log = self.maps.newest()
        accounts, head = self.maps.at_head(log)
        size = log.tree.size
        return head is None or any(log.uses(accounts.size, size)) or any(log.clock_entries(size, accounts.size))

    def ask_witnesses(self, witnesses: Iterable[Witness], post: Post) -> Cosigned:
        """Have the newest checkpoint cosigned, and keep it with all cosignatures.

        Raises:
            LookupError: nothing is published yet.
            OSError: it cannot be kept.
        """
        newest = self.maps.newest()
        asked = ask_all(newest.note, witnesses, lambda old, _: newest.tree.consistency_proof(old), post)
        self._files.witnessed(asked.checkpoint)
        if asked.at is not None:
            # The first of each day is kept: it bounds the begin of periods that somebody asks about later.
            kept, name = self.maps.subfolder("cosigned"), f"{asked.at // 86_400:06d}.checkpoint"
            if not kept.size(name):
                kept.put(name, asked.checkpoint)
        return asked

    def create(self, question: Question, prices: Mapping[str, object] | None = None) -> bytes:
        """The statement file that answers ``question`` at the last head of its map.

        Raises:
            StatementError: the identifier is not in canonical form.
            LookupError: there is no head yet, or no map for such identifiers.
            OSError: a file cannot be read.
        """
        if map_of(question.identifier) == PARTY_MAP:
            return self.parties.create(question, self._log_with)
        accounts, head = self.maps.at_head(self.maps.newest())
        if head is None:
            raise LookupError("the account map has no head yet; the server makes one every hour")
        sources = AccountSources(self._log_with(head), self.maps.state(), accounts, head, self.maps.key_changes.shown)
        statement = encode_file(build(question, Sources(sources.log, sources, sources), prices))
        parse(statement)  # what no reader would accept, like a price list with fractions in it, is refused here
        return statement

    def stamps(self, statement: bytes) -> bytes:
        """The file of time stamps that bracket the period of a statement.

        Raises:
            StatementError: it is none.
            LookupError: no stamp does.
            BodyError: what is stored is not what was committed.
            OSError: a file cannot be read.
        """
        one = parse(statement)
        files = self._files
        log = open_log_files(files.tiles, files.bodies, files.body_key, one.checkpoint)
        kept = self.maps.subfolder("cosigned")
        return stamp_file(one.question, log, (kept.get(day) or b"" for day in kept.names("")))

    def create_party(self, asked: PartyQuestion, begin: int | None, end: int | None) -> bytes:
        """The file that answers for every name and number of a party whether it was behind a customer.

        Raises:
            StatementError: a number is none, or there is nothing to ask for.
            LookupError: there is no head of the party map yet.
            OSError: a file cannot be read.
        """
        return self.parties.create_all(asked, begin, end, self._log_with)

    def moratorium(self, question: MoratoriumQuestion, sets: Sets) -> bytes:
        """The report that answers ``question`` at the last head of the account map, or at the end of the log.

        Raises:
            StatementError: the period holds too many entries for one file.
            LookupError: nothing is published yet.
            BodyError: what is stored is not what was committed.
        """
        _, head = self.maps.at_head(self.maps.newest())
        return encode_file(build_report(question, self.maps.newest() if head is None else self._log_with(head), sets))

    def regulation(
        self,
        account: str,
        period_ms: tuple[int | None, int | None],
        trust: TrustPolicy,
        declared: Mapping[str, object],
    ) -> bytes:
        """The report for regulators on an account in a period; ``declared`` is told beside the numbers, unproven.

        Raises:
            StatementError: the period holds too many entries for one file.
            LookupError: there is no head of the account map yet.
            BodyError: what is stored is not what was committed.
        """
        statement = self.create(Question(account_name(account), *period_ms))
        files = self._files
        log = open_log_files(files.tiles, files.bodies, files.body_key, parse(statement).checkpoint)
        return encode_regulation(build_regulation(account, statement, log, trust, declared))

    def bill(self, month: Month, prices: PriceList) -> BillingRun:
        """The bills of ``month`` from the published log; nothing is written."""
        return _billed(month, tally_of(self.maps.newest()), prices)

    def preview_bills(self, month: Month, prices: PriceList) -> BillingRun:
        """The bills of ``month`` as they stand now, from counts that are kept: only new entries are read."""
        with self.maps.lock, self._tally.at(self.maps.newest()) as tally:  # no private body is destroyed meanwhile
            return _billed(month, tally, prices)

    def count_uses(self) -> None:
        """Keep the counts for previews of bills up to the newest entry; raises as ``KeptTally.at``, and LookupError."""
        counted = False
        while not counted:
            with self.maps.lock:  # let go in between: heads and statements do not wait for the whole log
                counted = self._tally.step(self.maps.newest())

    def commit_bills(self, run: BillingRun, log: RunningLog) -> int:
        """Put an invoice run into the log and keep its bills; returns the index of the ``bil`` entry."""
        with self.maps.lock:
            self.bills.draft(run)
            index = log.append("bil", fields=run.fields).wait().index
            self.bills.save(run, index)
            self.close_head(log)  # invoices show one behind their entry
            return index

    def bill_finished(self, now_ms: int, prices: Callable[[], PriceList], log: RunningLog) -> tuple[Month, ...]:
        """Put an invoice run into the log for each month since its first entry that is over and has none yet.

        A run that was cut short is finished: its bills are those of the draft, whether or not its entry was written.

        Args:
            now_ms: the time, in milliseconds since the epoch.
            prices: reads the price list; asked only when there is something to bill.
            log: the log of these files.

        Raises:
            LedgerUnavailableError: the log cannot be written now.
            ValueError: the price list is malformed.
            OSError: a file cannot be read or written.
        """
        log.flush()
        newest = self.maps.newest()
        if newest.tree.size == 0:
            return ()
        done = []
        month = Month.of(decode(newest.entry(0)).t)
        while month.end <= now_ms:
            with self.maps.lock:
                if not self.bills.has(month) and self._bill_once(month, prices, log):
                    done.append(month)
            month = Month.of(month.end)
        return tuple(done)

    def _bill_once(self, month: Month, prices: Callable[[], PriceList], log: RunningLog) -> bool:
        draft = self.bills.drafted(month)
        for index, entry in self.maps.newest().billings():
            if entry.fields.get("x") == str(month):
                if draft is None or dict(draft.fields) != dict(entry.fields):
                    return False  # it is in the log, and its files are gone: a second run would charge twice
                self.bills.save(draft, index)
                self.close_head(log)
                return True
        self.commit_bills(draft or self.bill(month, prices()), log)
        return True

    def invoices(self, month: Month, account: str | None = None) -> dict[str, bytes]:
        """The invoice files of a month that is in the log, by account; with ``account`` only that one's.

        Raises:
            LookupError: the month was not billed, or no head of the account map behind its entry is published yet.
        """
        _, head = self.maps.at_head(self.maps.newest())
        entry = self.bills.entry(month)
        if head is None or head <= entry:
            raise LookupError(f"no head of the account map counts entry {entry} yet; the server makes one every hour")
        return self.bills.invoices(month, self._log_with(head), head, account)

    def erasure_certificate(self, face: str) -> bytes:
        """The certificate for a face that was erased.

        Raises:
            LookupError: there is no record of that, or its entry is not published yet.
        """
        record = self.erasures.get(face)
        return encode_file(certificate(record, self._log_with(record.entry)))

    @property
    def erasures(self) -> ErasureRecords:
        """Records of erased faces."""
        return ErasureRecords(self.maps.subfolder("erasures"))

    @property
    def bills(self) -> BillingStore:
        """Bills of the months that are in the log."""
        return BillingStore(self.maps.subfolder("bills"))

    def _log_with(self, index: int) -> LogFiles:
        """The log at a checkpoint with entry ``index``: the cosigned one if it reaches so far, else the newest.

        Raises:
            LookupError: neither does yet.
        """
        for path in (WITNESSED_PATH, CHECKPOINT_PATH):
            note = self._files.tiles.get(path)
            if reaches(note, index):
                return open_log_files(self._files.tiles, self._files.bodies, self._files.body_key, note)
        raise LookupError(f"entry {index} is not published yet; ask again in a second")


def _billed(month: Month, tally: UseTally, prices: PriceList) -> BillingRun:
    return bill_month(month, tally, prices, lambda: os.urandom(16), tally.billed.get(str(month)))
