"""The report of a migration: what came over, what did not and why, and the old and new ids side by side.

In: carried collections. Out: ``report.json`` and ``faces.csv`` in a folder, and a few lines for people.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from custodes.cli.migrate.carrying import CarriedCollection, CarriedFace
from custodes.durable import write_durably


@dataclass(frozen=True, slots=True)
class SearchCheck:
    """The same photo searched for on both sides: name and similarity of the best match there and here."""

    collection: str
    photo: str
    there: tuple[str | None, float | None]
    here: tuple[str | None, float | None]

    @property
    def agrees(self) -> bool:
        """Whether both name the same, or both nobody."""
        return self.there[0] == self.here[0]


def write_report(
    out: Path, carried: Sequence[CarriedCollection], cannot_move: Sequence[str], checks: Sequence[SearchCheck]
) -> None:
    """Write both files into ``out``. Raises OSError."""
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    members = {
        "collections": [summary(one) for one in carried],
        "cannot_move": list(cannot_move),
        "searches": [
            {
                "collection": one.collection,
                "photo": one.photo,
                "there": one.there,
                "here": one.here,
                "agrees": one.agrees,
            }
            for one in checks
        ],
    }
    write_durably(out / "report.json", f"{json.dumps(members, indent=1)}\n".encode())
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    names = [item.name for item in fields(CarriedFace)]
    rows.writerow(["collection", *names])
    for one in carried:
        rows.writerows([one.collection, *(getattr(face, name) or "" for name in names)] for face in one.faces)
    write_durably(out / "faces.csv", table.getvalue().encode())


def summary(carried: CarriedCollection) -> dict[str, object]:
    """A collection in numbers and words, as JSON values."""
    missing = Counter(face.reason for face in carried.faces if face.face_id is None)
    return {
        "collection": carried.collection,
        "old_model_version": carried.old_model_version,
        "faces_before": len(carried.faces),
        "faces_moved": sum(face.face_id is not None for face in carried.faces),
        "faces_added": carried.extra,
        "users": len(carried.users),
        "not_moved": dict(missing),
        "differences": carried.differences,
    }


def line_of(carried: CarriedCollection) -> str:
    """The same in a line."""
    moved = sum(face.face_id is not None for face in carried.faces)
    return f"{carried.collection}: {moved} of {len(carried.faces)} faces, {len(carried.users)} users"
