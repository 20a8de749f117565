"""Cases of identifications in one file of the data directory, readable for its owner only.

In: cases. Out: the same, durable. What they mean is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.durable import write_durably
from custodes.governance.authorisation import Authorisation, Case

FILE = "cases.json"


class CaseFile:
    """Implements ``IdentificationCases`` in a file."""

    def __init__(self, path: Path) -> None:
        """Use ``path``; it is made when something is first written."""
        self._path = path

    def cases(self) -> Sequence[Case]:
        """All of them. Raises UnavailableError when the file cannot be read."""
        try:
            rows = json.loads(self._path.read_bytes())
            return [_case(row) for row in rows]
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError, InvalidParameterError) as error:
            raise UnavailableError(f"{self._path} cannot be read, restore it from a backup: {error}") from error

    def keep(self, cases: Sequence[Case]) -> None:
        """Replace them. Raises UnavailableError."""
        data = json.dumps([asdict(case) for case in cases], indent=1, ensure_ascii=False)
        try:
            write_durably(self._path, data.encode() + b"\n")
        except OSError as error:
            raise UnavailableError(f"{self._path} cannot be written: {error.strerror}") from error


def _case(row: dict[str, object]) -> Case:
    decided, begun = row["authorisation"], row["begun_ms"]
    authorisation = Authorisation(**decided) if isinstance(decided, dict) else None
    begun_ms = begun if isinstance(begun, int) else None
    return Case(str(row["account_id"]), str(row["name"]), str(row["purpose"]), begun_ms, authorisation)
