"""Everyday requests in a fixed order, what was answered in a form that can be compared, and what is on record of it.

In: clients of one or several servers, which are asked in turn. Out: answers without what differs between any two
installations: ids are numbered in the order in which they appear, times are left out, tokens of pages only counted.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from custodes.deployment.record.statements import open_statements
from custodes.deployment.record.stored import LedgerSource, stored_ledger
from custodes.ledger.tlog.entry import decode
from tests.fakes.engine import Square, picture

COLLECTIONS, USERS = ("staff", "guests"), ("ann", "bob", "cid")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ACCOUNT = re.compile(r"\b[0-9]{12}\b")


class Everyday:
    """Asks and remembers."""

    def __init__(self, clients: Sequence[Any], seed: int = 17) -> None:
        self._clients = clients
        self._chance = random.Random(seed)
        self._names: dict[str, str] = {}
        self._faces: list[str] = []
        self.answers: list[Any] = []

    def run(self, count: int) -> None:
        """So many requests."""
        while len(self.answers) < count:
            self.step()

    def step(self) -> None:
        """The next one."""
        if len(self.answers) < len(COLLECTIONS):
            self._ask("create_collection", CollectionId=COLLECTIONS[len(self.answers)])
            return
        chance = self._chance
        collection, user = chance.choice(COLLECTIONS), chance.choice(USERS)
        image = {"Bytes": self._picture()}
        here: dict[str, Any] = {"CollectionId": collection}
        faces = [self._face() for _ in range(2)]
        kinds: list[tuple[str, dict[str, Any]]] = [
            ("index_faces", {**here, "Image": image, "ExternalImageId": f"p{chance.randrange(9)}"}),
            ("search_faces_by_image", {**here, "Image": image, "FaceMatchThreshold": 60.0}),
            ("search_faces", {**here, "FaceId": faces[0]}),
            ("list_faces", {**here, "MaxResults": 50}),
            ("detect_faces", {"Image": image}),
            ("compare_faces", {"SourceImage": image, "TargetImage": {"Bytes": self._picture()}}),
            ("create_user", {**here, "UserId": user}),
            ("associate_faces", {**here, "UserId": user, "FaceIds": list(dict.fromkeys(faces))}),
            ("search_users_by_image", {**here, "Image": image, "UserMatchThreshold": 60.0}),
            ("disassociate_faces", {**here, "UserId": user, "FaceIds": faces[:1]}),
            ("list_users", here),
            ("delete_faces", {**here, "FaceIds": faces[:1]}),
            ("delete_user", {**here, "UserId": user}),
            ("describe_collection", here),
            ("list_collections", {}),
        ]
        weights = [6, 5, 3, 2, 2, 2, 2, 3, 2, 1, 1, 2, 1, 1, 1]
        operation, members = chance.choices(kinds, weights)[0]
        self._ask(operation, **members)

    def _picture(self) -> bytes:
        chance = self._chance
        first = Square(chance.randrange(1, 9), chance.randrange(0, 60), left=10)
        second = Square(chance.randrange(1, 9), chance.randrange(0, 60), left=120)
        return picture(*((first, second) if chance.random() < 0.3 else (first,)))

    def _face(self) -> str:
        """A face that was enrolled once, or one that never was."""
        place = self._chance.randrange(len(self._faces) + 1)
        return self._faces[place] if place < len(self._faces) else "00000000-0000-4000-8000-000000000000"

    def _ask(self, operation: str, **members: Any) -> None:
        client = self._clients[len(self.answers) % len(self._clients)]
        try:
            answer = getattr(client, operation)(**members)
            if operation == "index_faces":
                self._faces += [record["Face"]["FaceId"] for record in answer["FaceRecords"]]
        except ClientError as error:
            answer = {"Error": error.response["Error"]}
        self.answers.append([operation, self._plain({k: v for k, v in answer.items() if k != "ResponseMetadata"})])

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            kept = {key: one for key, one in value.items() if not isinstance(one, datetime)}
            return {key: key if key == "NextToken" else self._plain(one) for key, one in kept.items()}
        if isinstance(value, list):
            return [self._plain(one) for one in value]
        if isinstance(value, str):
            named = _UUID.sub(lambda found: self._names.setdefault(found[0], f"id-{len(self._names)}"), value)
            return _ACCOUNT.sub("account", named)
        return value


def on_record(data: Path, database: str = "") -> Counter[tuple[str, ...]]:
    """What the published log of ``data`` says was done: uses with their units, by operation and end, and erasures."""
    found: Counter[tuple[str, ...]] = Counter()
    with stored_ledger(LedgerSource(data, database)) as stored:
        statements = open_statements(data, stored)
        log = statements.maps.newest()
        for index, envelope in log.tree.entries():
            entry = decode(envelope)
            if entry.kind == "use":
                facts = statements.facts_of(index)
                found["uses", str(facts["op"]), str(facts["code"])] += 1
                found["units", str(facts["op"]), str(facts["code"])] += entry.units or 0
            elif entry.kind == "era":
                found["erased",] += int(entry.fields["n"])
    return found


def closed(*clients: Any) -> None:
    """Let go of connections."""
    for client in clients:
        with closing(client):
            pass
