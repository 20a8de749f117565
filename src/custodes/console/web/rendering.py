"""Pages as HTML: Jinja with everything escaped that is not markup of our own.

In: the name of a template and values. Out: text. Filters give numbers, percentages and times one form everywhere; a
time is written in UTC, and the browser shows it in its reader's zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from custodes.console.web.assets import address

_FOLDER = Path(__file__).parents[1] / "templates"
_MANY_DIGITS_ABOVE_PCT = 99.9
_NONE = "\N{EN DASH}"


@cache
def environment() -> Environment:
    """The one environment of all templates."""
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        time=time,
        moment=moment,
        day=day,
        percent=percent,
        count=count,
        money=money,
        rate=rate,
        json=json,
        segment=segment,
        short=short,
        inside=inside,
    )
    made.globals["asset"] = address
    return made


def render(template: str, values: Mapping[str, Any]) -> str:
    """The page of ``template``."""
    return environment().get_template(template).render(values)


def time(ts_ms: int | float | None) -> Markup:
    """A moment (ms since the epoch) as an element that says UTC, for the browser to make local."""
    if not ts_ms:
        return Markup("&ndash;")
    at = datetime.fromtimestamp(ts_ms / 1000, UTC)
    element = Markup('<time datetime="{}">{}</time>')
    return element.format(at.isoformat(), at.strftime("%Y-%m-%d %H:%M:%S UTC"))


def moment(value: datetime | float | None) -> Markup:
    """The same for a moment of an answer of the API: a datetime, or seconds since the epoch."""
    seconds = value.timestamp() if isinstance(value, datetime) else value
    return time(None if seconds is None else seconds * 1000)


def inside(text: str) -> Markup:
    """A text as the content of an element: quotes stay as they are, of which files of JSON are full."""
    return Markup(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))  # noqa: S704 - escaped here


def day(ts_ms: int | float | None) -> str:
    """The day of a moment, in UTC."""
    return _NONE if ts_ms is None else datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%d")


def percent(value: float | None) -> str:
    """A percentage with the digits that matter: near 100 more of them."""
    if value is None:
        return _NONE
    return f"{value:.1f} %" if value < _MANY_DIGITS_ABOVE_PCT else f"{value:.3f} %"


def count(value: int | float) -> str:
    """A number with narrow spaces between its thousands."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def money(value: str) -> str:
    """A sum, which is exact, to four decimals: enough to read; what is smaller than that says so."""
    amount = Decimal(value)
    least = Decimal("0.0001")
    return f"{amount.quantize(least):f}" if amount == 0 or abs(amount) >= least else f"< {least}"


def rate(value: float) -> str:
    """A share as ``1 in N`` would be read: one digit, because rates are measured on few false matches."""
    return count(max(1, int(float(f"{1 / value:.1g}"))))


def json(value: object) -> str:
    """A value as JSON text, for an attribute or a listing; the template escapes it."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def segment(value: object) -> str:
    """A value as one segment of a path."""
    return quote(str(value), safe="")


def short(value: str, length: int = 12) -> str:
    """The beginning of an identifier."""
    return value if len(value) <= length else f"{value[:length]}\N{HORIZONTAL ELLIPSIS}"
