"""The account map's state, bound to the log: what the files say counts only where a logged head says the same.

In: the state's files, the log with its private bodies. Out: the account map at the last head in the log. A state that
is missing, older, damaged or of somebody else's making is made again from the uses, and each head on the way is
compared with the one that was logged. Where that does not lead to the logged heads, there is no map: MapError names
the first stretch of entries that differs. So no change of these files can make a use disappear.
"""

from __future__ import annotations

from custodes.ledger.prover.maps import vrf
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.maps.account_map_file import MapState
from custodes.ledger.prover.ports import Use
from custodes.ledger.prover.sources import ERASED, LogFiles
from custodes.ledger.tlog.entry import EntryError, decode
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, MapHead, parse_head
from custodes.ledger.verifier.maps.proof import MapError, MapNode

VRF_KEY = "keys/ledger-vrf.key"
_RESTORE = "restore ledger-private/maps and ledger-private/bodies from the newest backup"


def bind(key: vrf.SecretKey, state: MapState, log: LogFiles) -> tuple[AccountMap, int | None]:
    """The account map at the last head in ``log`` and that head's index; an empty map and None before the first.

    The state on disk is brought to that head.

    Raises:
        MapError: the log's heads were made under another key, or cannot be reproduced.
        BodyError: what is stored of a use is not what was committed.
        OSError: a file cannot be read or written.
    """
    kept = kept_state(key, state, log)
    if kept is not None:
        try:
            return _replay(*kept, list(log.heads(ACCOUNT_MAP, kept[1] + 1)), state, log)
        except MapError:
            pass  # the state may be at fault: from nothing it shows
    heads = list(log.heads(ACCOUNT_MAP))
    if heads and heads[-1][1].vrf_public != key.public:
        raise MapError(
            f"the heads of the account map in the log were made under another key than the one in {VRF_KEY}; "
            "restore that file"
        )
    state.clear()
    return _replay(AccountMap(key), None, heads, state, log)


def kept_state(key: vrf.SecretKey, state: MapState, log: LogFiles) -> tuple[AccountMap, int] | None:
    """The map on disk with the index of its head, if the log holds that very head; else None."""
    try:
        accounts, index = state.load(key)
        if index is None or index >= log.tree.size:
            return None
        head = parse_head(decode(log.entry(index)))
    except (MapError, EntryError):
        return None
    mine = MapHead(ACCOUNT_MAP, accounts.size, accounts.head(), key.public, head.clock_entries)
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
    accounts: AccountMap, last: int | None, heads: list[tuple[int, MapHead]], state: MapState, log: LogFiles
) -> tuple[AccountMap, int | None]:
    """Bring ``accounts`` from head ``last`` to the newest, comparing with each on the way."""
    credited: list[Use] = []
    for index, head in heads:
        if last is not None and index <= last:
            continue
        begin = accounts.size
        uses = [without_body(use) for use in log.uses(begin, head.size)]
        accounts.advance(uses, head.size)
        # A head under a key that was replaced has other places, but the same sums.
        node = accounts.head()
        same = node == head.node if head.vrf_public == accounts.public else _sums(node) == _sums(head.node)
        if not same or any(use.account == ERASED for use in uses):
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


def _sums(node: MapNode) -> tuple[int, int]:
    return node.count, node.units
