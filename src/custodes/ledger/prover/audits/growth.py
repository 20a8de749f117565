"""Proofs that each head of the account map continues the one before, made again from the private bodies.

In: the keys of the maps, the log with its bodies. Out: one line per head, in order, which
``verifier.map_chain`` reads. A line names places of the map and no account; how much each place was used in an
hour can be read from it, so it goes to auditors and not to everybody.
"""

from __future__ import annotations

from collections.abc import Iterator

from custodes.ledger.prover.account_map_binding import moved_to, without_body
from custodes.ledger.prover.files import encode_growth, encode_moved
from custodes.ledger.prover.key_changes import KeyChanges
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.maps.vrf_keys import VrfKeys
from custodes.ledger.prover.sources import LogFiles
from custodes.ledger.tlog.entry import b64url
from custodes.ledger.verifier.canonical_json import canonical
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP
from custodes.ledger.verifier.maps.proof import MapError


def growth_lines(keys: VrfKeys, changes: KeyChanges, log: LogFiles) -> Iterator[bytes]:
    """The lines, each ended by a newline.

    Raises:
        MapError: the private bodies do not give the heads in the log.
        BodyError: what is stored of a use is not what was committed.
    """
    accounts: AccountMap | None = None
    for index, head in log.heads(ACCOUNT_MAP):
        accounts = AccountMap(keys.of(head.vrf_public)) if accounts is None else accounts
        if head.vrf_public != accounts.public:
            before, accounts = accounts, moved_to(accounts, head, keys, changes, log)
            proof = encode_moved(before.places_of(accounts))
        else:
            uses = [without_body(use) for use in log.uses(accounts.size, head.size)]
            proof = encode_growth(accounts.grow(uses, head.size))
        if accounts.head() != head.node:
            raise MapError(f"head {index} of the account map is not what the private bodies give; audit with --deep")
        yield canonical({"head": index, "proof": b64url(proof)}) + b"\n"
