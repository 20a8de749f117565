"""Files of evidence as answers: the text of one, and errors of the ledger as errors that every room knows.

In: what makes a file. Out: its text, or a CustodesError whose message says why there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from custodes.core.errors import CustodesError, InvalidParameterError, NotFoundError, UnavailableError
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.note import NoteError
from custodes.ledger.tlog.tiles import LedgerCorruptError, LedgerUnavailableError
from custodes.ledger.verifier.invoices.meter import Month
from custodes.ledger.verifier.maps.proof import MapError

T = TypeVar("T")

_BROKEN = (MapError, BodyError, NoteError, ProofError, LedgerCorruptError, LedgerUnavailableError, OSError)


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """The text of a file that anybody can check offline."""

    file: str


@dataclass(frozen=True, slots=True)
class StatementMade(EvidenceFile):
    """A statement, and what its reader should know about its end; None for nothing."""

    remark: str | None


def made(make: Callable[[], T]) -> T:
    """What ``make`` gives.

    Raises:
        UnavailableError: the ledger's files do not fit together, or cannot be read.
        NotFoundError: there is no such thing.
        InvalidParameterError: it was asked for in a way that cannot be answered.
    """
    try:
        return make()
    except CustodesError:
        raise
    except _BROKEN as error:
        raise UnavailableError(f"the ledger's files do not fit together: {error}") from error
    except LookupError as error:
        raise NotFoundError(str(error)) from error
    except ValueError as error:  # a StatementError is one
        raise InvalidParameterError(str(error)) from error


def text_of(make: Callable[[], bytes]) -> str:
    """The text of the file that ``make`` gives; raises as ``made``."""
    return made(make).decode()


def remark_on_head(close: Callable[[], object]) -> str | None:
    """Make a new head; why there is none, where it cannot be made: then the last one has to do."""
    try:
        made(close)
    except UnavailableError as error:
        return f"no new head of the map: {error.message}; the statement ends at the last one"
    return None


def month_of(text: str) -> Month:
    """The month that a text like ``2026-03`` names. Raises InvalidParameterError."""
    try:
        return Month.parse(text)
    except ValueError:
        raise InvalidParameterError(f"not a month: {text}") from None
