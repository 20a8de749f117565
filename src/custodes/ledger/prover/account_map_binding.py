"""The account map's state, bound to the log: what the files say counts only where a logged head says the same.

In: the state's files, the log with its private bodies. Out: the account map at the last head in the log. A state that
is missing, older, damaged or of somebody else's making is made again from the uses, and each head on the way is
compared with the one that was logged. Where that does not lead to the logged heads, there is no map: MapError names
the first stretch of entries that differs. So no change of these files can make a use disappear.
"""

from __future__ import annotations

from dataclasses import dataclass

from custodes.ledger.prover.key_changes import KeyChanges
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.maps.account_map_file import MapState
from custodes.ledger.prover.maps.vrf_keys import VrfKeys
from custodes.ledger.prover.ports import Use
from custodes.ledger.prover.sources import ERASED, LogFiles
from custodes.ledger.tlog.entry import EntryError, decode
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, MapHead, parse_head
from custodes.ledger.verifier.maps.key_change import KeyChange, parse_change
from custodes.ledger.verifier.maps.proof import MapError

VRF_KEY = "keys/ledger-vrf.key"
_RESTORE = "restore ledger-private/maps and ledger-private/bodies from the newest backup"


@dataclass(frozen=True, slots=True)
class BoundMap:
    """What the account map is bound with: the keys, where changes of them are kept, the state on disk, the log."""

    keys: VrfKeys
    changes: KeyChanges
    state: MapState
    log: LogFiles


def bind(what: BoundMap) -> tuple[AccountMap, int | None]:
    """The account map at the last head in the log and that head's index; an empty map and None before the first.

    The state on disk is brought to that head. It is under the key of that head, which a change of the key behind it may
    have replaced.

    Raises:
        MapError: the log's heads were made under another key, or cannot be reproduced.
        BodyError: what is stored of a use is not what was committed.
        OSError: a file cannot be read or written.
    """
    kept = kept_state(what.keys, what.state, what.log)
    if kept is not None:
        try:
            return _checked(what, _replay(*kept, list(what.log.heads(ACCOUNT_MAP, kept[1] + 1)), what))
        except MapError:
            pass  # the state may be at fault: from nothing it shows
    heads = list(what.log.heads(ACCOUNT_MAP))
    first = what.keys.of(heads[0][1].vrf_public) if heads else what.keys.present
    what.state.clear()
    return _checked(what, _replay(AccountMap(first), None, heads, what))


def changes_behind(log: LogFiles, last: int | None) -> list[tuple[int, KeyChange]]:
    """Changes of the VRF key behind the last head; the next head has to be made under the new key."""
    return list(log.key_changes(0 if last is None else last))


def _checked(what: BoundMap, found: tuple[AccountMap, int | None]) -> tuple[AccountMap, int | None]:
    behind = changes_behind(what.log, found[1])
    newest = behind[-1][1].key if behind else found[0].public
    if newest != what.keys.present.public:
        raise MapError(
            f"the heads of the account map in the log were made under another key than the one in {VRF_KEY}, and no "
            "entry changes it; restore that file"
        )
    return found


def kept_state(keys: VrfKeys, state: MapState, log: LogFiles) -> tuple[AccountMap, int] | None:
    """The map on disk with the index of its head, if the log holds that very head; else None."""
    try:
        accounts, index = state.load(keys)
        if index is None or index >= log.tree.size:
            return None
        head = parse_head(decode(log.entry(index)))
    except (MapError, EntryError):
        return None
    mine = MapHead(ACCOUNT_MAP, accounts.size, accounts.head(), accounts.public, head.clock_entries, head.changed)
    return (accounts, index) if head == mine and state.rows() == head.node.count else None


def check_uses_after(accounts: AccountMap, log: LogFiles) -> None:
    """Look whether every use that no head covers yet can be credited.

    Raises:
        MapError: the private body of one is gone.
        BodyError: what is stored of one is not what was committed.
    """
    for use in log.uses(accounts.size, log.tree.size):
        check_credited(use)


def check_credited(use: Use) -> None:
    """Raises MapError when nobody can say whose ``use`` is."""
    if use.account == ERASED:
        raise MapError(
            f"the private body of entry {use.index}, a use, is gone and no entry says that it was destroyed; {_RESTORE}"
        )


def _replay(
    accounts: AccountMap, last: int | None, heads: list[tuple[int, MapHead]], what: BoundMap
) -> tuple[AccountMap, int | None]:
    """Bring ``accounts`` from head ``last`` to the newest, comparing with each on the way."""
    log, state, credited = what.log, what.state, list[Use]()
    for index, head in heads:
        if last is not None and index <= last:
            continue
        begin = accounts.size
        uses = [without_body(use) for use in log.uses(begin, head.size)]
        if head.vrf_public != accounts.public:
            accounts = moved_to(accounts, head, what.keys, what.changes, log)
        accounts.advance(uses, head.size)
        if accounts.head() != head.node or any(use.account == ERASED for use in uses):
            gone = sum(use.account == ERASED for use in uses)
            raise MapError(
                f"the account map cannot be made again as head {index} of the log has it: what differs is among "
                f"entries {begin} up to {head.size}, where {gone} uses have lost their private bodies; {_RESTORE}"
            )
        credited += uses
        last = index
    if credited or (last is not None and state.head() != last):
        assert last is not None
        state.save(accounts, credited, last)
    return accounts, last


def without_body(use: Use) -> Use:
    """``use`` as the map needs it."""
    return Use(use.index, use.envelope, use.account, use.t, use.units)


def moved_to(accounts: AccountMap, head: MapHead, keys: VrfKeys, changes: KeyChanges, log: LogFiles) -> AccountMap:
    """The map under the key of ``head``. Raises MapError where no ``vrf`` entry brought that."""
    change = None if head.changed is None else parse_change(decode(log.entry(head.changed)))
    if change is None or change.key != head.vrf_public:
        raise MapError("the heads of the account map in the log are under different VRF keys, and no entry changes it")
    return accounts.moved(keys.of(change.key), changes.moves(change))
