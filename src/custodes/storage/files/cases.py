"""Cases of identifications in one file of the data directory, readable for its owner only.

In: cases. Out: the same, durable. What they mean is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
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
            return decoded(self._path.read_bytes())
        except FileNotFoundError:
            return ()
        except (OSError, ValueError) as error:
            raise UnavailableError(f"{self._path} cannot be read, restore it from a backup: {error}") from error

    def change(self, account_id: str, name: str, change: Callable[[Case], Case]) -> Case:
        """See IdentificationCases."""
        cases, made = changed(self.cases(), account_id, name, change)
        try:
            write_durably(self._path, encoded(cases))
        except OSError as error:
            raise UnavailableError(f"{self._path} cannot be written: {error.strerror}") from error
        return made


def changed(
    cases: Sequence[Case], account_id: str, name: str, change: Callable[[Case], Case]
) -> tuple[list[Case], Case]:
    """All cases with one of them changed, and that one."""
    found = {(case.account_id, case.name): case for case in cases}
    made = found[account_id, name] = change(found.get((account_id, name), Case(account_id, name)))
    return list(found.values()), made


def encoded(cases: Sequence[Case]) -> bytes:
    """Cases as JSON."""
    return json.dumps([asdict(case) for case in cases], indent=1, ensure_ascii=False).encode() + b"\n"


def decoded(data: bytes) -> list[Case]:
    """Inverse of ``encoded``. Raises ValueError."""
    try:
        return [_case(row) for row in json.loads(data)]
    except (KeyError, TypeError, InvalidParameterError) as error:
        raise ValueError(str(error)) from error


def _case(row: dict[str, object]) -> Case:
    decided, begun = row["authorisation"], row["begun_ms"]
    authorisation = Authorisation(**decided) if isinstance(decided, dict) else None
    begun_ms = begun if isinstance(begun, int) else None
    return Case(str(row["account_id"]), str(row["name"]), str(row["purpose"]), begun_ms, authorisation)
