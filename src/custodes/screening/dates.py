"""Dates as people and lists write them, as intervals of days: a year, a decade, "1960 to 1965", "circa 1960".

In: text. Out: an interval, or None where there is no date in it. Two dates of one event contradict each other only
where their intervals lie apart.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

CIRCA_YEARS = 2
"""Years to either side that "circa" may mean."""
_FIRST_YEAR, _LAST_YEAR = 1850, 2100
_NAMES_OF_MONTHS = """
jan january januar januari janvier enero gennaio января январь
feb february februar februari fevrier febrero febbraio февраля
mar march marz maerz maart mars marzo марта
apr april avril abril aprile апреля
may mai mei mayo maggio мая
jun june juni juin junio giugno июня
jul july juli juillet julio luglio июля
aug august augustus aout agosto августа
sep sept september septembre septiembre settembre сентября
oct october oktober octobre octubre ottobre okt октября
nov november novembre noviembre ноября
dec december dezember decembre diciembre dicembre dez декабря
"""
_MONTHS = {
    name: number for number, names in enumerate(_NAMES_OF_MONTHS.strip().splitlines(), 1) for name in names.split()
}
_ABOUT = re.compile(
    r"\b(?:circa|ca\.?|c\.|approx(?:imately|\.)?|about|around|estimated|vers|um|ongeveer|около)\s*", re.I
)
_AFTER, _BEFORE = (
    re.compile(r"^(?:after|since|from|nach|na|après)\b", re.I),
    re.compile(r"^(?:before|until|prior to|vor)\b", re.I),
)
_RANGE = re.compile(
    r"\s+(?:to|and|or|until|till|bis|et|und|ou|oder|of|или)\s+|\s*[–—/;]\s*|(?<=\d{4})\s*-\s*(?=\d{4})", re.I
)
_LEADING = re.compile(r"^(?:(?:born|dob|date of birth|between|zwischen|entre|tussen|между):?\s+)+", re.I)
_ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:T[\d:.Z+-]*)?")


@dataclass(frozen=True, slots=True)
class DateRange:
    """Days from ``first`` to ``last``, both included."""

    first: date
    last: date

    @property
    def is_day(self) -> bool:
        """Whether it is one day."""
        return self.first == self.last

    def meets(self, other: DateRange) -> bool:
        """Whether some day is in both."""
        return self.first <= other.last and other.first <= self.last

    def years_to(self, other: DateRange) -> int:
        """Calendar years between the two; 0 where they meet or lie in one year."""
        if self.meets(other):
            return 0
        return max(other.first.year - self.last.year, self.first.year - other.last.year)


@lru_cache(maxsize=65_536)
def read_date(text: str) -> DateRange | None:
    """Read a date, or a range of dates.

    ``YYYY``, ``YYYY-MM``, ``YYYY-MM-DD``, ``DD.MM.YYYY``, ``DD/MM/YYYY`` (where only the other order is possible, that
    one), ``12 Mar 1960``, ``March 12, 1960``, ``1960s``, "late 1950s", two of these with "to", "and", "or" or a dash
    between them, "circa", "after", "before".
    """
    text = " ".join(text.split()).strip(" .,;()")
    about = _ABOUT.search(text)
    plain = _LEADING.sub("", _ABOUT.sub("", _LEADING.sub("", text))).strip(" .,;()")
    if _AFTER.match(plain) and not _RANGE.search(plain):
        start = _one(_AFTER.sub("", plain).strip())
        return DateRange(start.first, date(_LAST_YEAR, 12, 31)) if start else None
    if _BEFORE.match(plain):
        end = _one(_BEFORE.sub("", plain).strip())
        return DateRange(date(_FIRST_YEAR, 1, 1), end.last) if end else None
    found = _one(plain)
    if found is None:
        parts = [_one(_ABOUT.sub("", _AFTER.sub("", part)).strip()) for part in _RANGE.split(plain)]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts) or len(known) < 2:
            return None
        found = DateRange(min(part.first for part in known), max(part.last for part in known))
    return _wider(found) if about else found


def iso_date(text: str) -> str:
    """``text`` as ``YYYY``, ``YYYY-MM``, ``YYYY-MM-DD`` or ``FIRST/LAST`` of two such; empty where there is no date."""
    found = read_date(text)
    return written(found) if found else ""


def written(found: DateRange) -> str:
    """A range in the shortest ISO 8601 form that says the same; ``read_date`` reads it."""
    first, last = found.first, found.last
    if found.is_day:
        return first.isoformat()
    starts_year, ends_year = (first.month, first.day) == (1, 1), (last.month, last.day) == (12, 31)
    if starts_year and ends_year:
        return f"{first.year:04}" if first.year == last.year else f"{first.year:04}/{last.year:04}"
    if (
        first.day == 1
        and (first.year, first.month) == (last.year, last.month)
        and last == _month(last.year, last.month).last
    ):
        return f"{first.year:04}-{first.month:02}"
    return f"{first.isoformat()}/{last.isoformat()}"


def closest(ours: DateRange, others: Sequence[DateRange]) -> DateRange | None:
    """The one of ``others`` that lies nearest; None where there is none."""
    return min(others, key=lambda other: (ours.years_to(other), not ours.meets(other)), default=None)


def _wider(found: DateRange) -> DateRange:
    return DateRange(date(found.first.year - CIRCA_YEARS, 1, 1), date(found.last.year + CIRCA_YEARS, 12, 31))


def _one(text: str) -> DateRange | None:
    """A single date of any spelling."""
    text = text.strip(" .,;()")
    if iso := _ISO.fullmatch(text):
        return _made(*(int(part) if part else 0 for part in iso.groups()))
    if short := re.fullmatch(r"(\d{4})(\d\d)(\d\d)", text):
        return _made(*map(int, short.groups()))
    return _years(text) or _numeric(text) or _in_words(text)


def _years(text: str) -> DateRange | None:
    """A decade, or a part of one."""
    if decade := re.fullmatch(r"(?:(early|mid|late)[ -])?(?:the )?(\d{3}0)'?(?:s|er)", text, re.I):
        start, end = {"early": (0, 3), "mid": (3, 6), "late": (6, 9)}.get((decade[1] or "").lower(), (0, 9))
        first, last = _made(int(decade[2]) + start, 0, 0), _made(int(decade[2]) + end, 0, 0)
        return DateRange(first.first, last.last) if first and last else None
    return None


def _numeric(text: str) -> DateRange | None:
    """A date in digits, a month or a day left open perhaps."""
    if numeric := re.fullmatch(r"(\d{1,2})[./ -](\d{1,2})[./ -](\d{4})", text):
        one, two, year = map(int, numeric.groups())
        if not two:
            return _made(year, 0, 0)
        return _made(year, two, one) if two <= 12 else _made(year, one, two)
    if turned := re.fullmatch(r"(\d{4})[./](\d{1,2})(?:[./](\d{1,2}))?", text):
        return _made(int(turned[1]), int(turned[2]), int(turned[3] or 0))
    if month_year := re.fullmatch(r"(\d{1,2})[./](\d{4})", text):
        return _made(int(month_year[2]), int(month_year[1]), 0)
    if unknown := re.fullmatch(r"(?:dd|00|xx|\?\?)?[./ -]?(?:(mm|00|xx|\?\?|\d\d))?[./ -](\d{4})", text, re.I):
        month = unknown[1] or "00"
        return _made(int(unknown[2]), int(month) if month.isdigit() else 0, 0)
    return None


def _in_words(text: str) -> DateRange | None:
    words = re.findall(r"[^\W\d_]+|\d+", text.lower())
    months = [number for word in words if (number := _MONTHS.get(word))]
    numbers = [int(word) for word in words if word.isdigit()]
    other = [word for word in words if not word.isdigit() and word not in _MONTHS]
    if len(months) != 1 or not set(other) <= {"st", "nd", "rd", "th", "of", "de", "года", "г", "le"}:
        return None
    years = [number for number in numbers if number > 31]
    days = [number for number in numbers if number <= 31]
    if len(years) != 1 or len(days) > 1:
        return None
    return _made(years[0], months[0], days[0] if days else 0)


def _made(year: int, month: int, day: int) -> DateRange | None:
    """A day, a month or a year; None for what no calendar has."""
    if not _FIRST_YEAR <= year <= _LAST_YEAR or month > 12 or (day and not month):
        return None
    if not month:
        return DateRange(date(year, 1, 1), date(year, 12, 31))
    whole = _month(year, month)
    if not day:
        return whole
    return DateRange(date(year, month, day), date(year, month, day)) if day <= whole.last.day else None


def _month(year: int, month: int) -> DateRange:
    return DateRange(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))
