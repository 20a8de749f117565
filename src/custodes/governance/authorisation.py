"""Authorisations of identifications after the fact: one for each case, asked for within 48 hours of its first use.

In: cases with the time of their first use and what an authority decided. Out: in which state a case is at a moment. It
stores nothing and knows no requests.

Source: Regulation (EU) 2024/1689 art. 26(10): an authorisation by a judicial or an independent administrative
authority, before the use or without undue delay, within 48 hours at the latest; a rejected use is stopped at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from custodes.core.errors import InvalidParameterError
from custodes.governance.accounts.vocabulary import check_date, check_name

EXCEPTIONAL = frozenset({"missing-person", "child-protection", "imminent-threat", "serious-crime"})
"""Purposes that open an exception of a rule."""
CASE_TAG = "custodes:case"
"""Session tag that names the case of a session's calls; without it a case is called like the purpose."""
WINDOW_MS = 48 * 3_600_000
_CASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")


class AuthorisationState(StrEnum):
    """What is known of a case; words of the provider's rules."""

    PENDING = "pending"
    """Nobody has decided, and 48 hours since the first use are not over."""
    OVERDUE = "overdue"
    """They are."""
    GRANTED = "granted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Authorisation:
    """What an authority decided: its reference, who issued it, on which day (ISO 8601), and whether it was granted."""

    reference: str
    issuer: str
    date: str
    granted: bool = True

    def __post_init__(self) -> None:
        """Raise InvalidParameterError on a text that cannot be any of these."""
        check_name(self.reference, "a reference")
        check_name(self.issuer, "an issuer")
        check_date(self.date)


@dataclass(frozen=True, slots=True)
class Case:
    """A case of an account: for which purpose, when it was first used (ms; None for not yet), and what was decided."""

    account_id: str
    name: str
    purpose: str = ""
    begun_ms: int | None = None
    authorisation: Authorisation | None = None

    def state(self, now_ms: int) -> AuthorisationState:
        """In which state it is at ``now_ms``."""
        if self.authorisation is not None:
            return AuthorisationState.GRANTED if self.authorisation.granted else AuthorisationState.REFUSED
        overdue = self.begun_ms is not None and now_ms >= self.begun_ms + WINDOW_MS
        return AuthorisationState.OVERDUE if overdue else AuthorisationState.PENDING


def is_case(name: str) -> bool:
    """Whether a case can be called so."""
    return _CASE.fullmatch(name) is not None


def check_case(name: str) -> str:
    """``name`` if a case can be called so. Raises InvalidParameterError."""
    if not is_case(name):
        raise InvalidParameterError("a case is called by 1 to 64 letters, digits or . _ : / -, a letter or digit first")
    return name
