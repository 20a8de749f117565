"""Texts with wildcards and policy variables, as they stand in policy documents.

In: text of a policy document; a request's context. Out: parsed patterns, and whether they match a value. ``*`` matches
any run of characters, ``?`` one; ``${key}`` is replaced by the value of a context key, ``${key, 'default'}`` by the
default when the key is absent. What comes out of a variable is always literal: a user named ``*`` matches only himself.
Matching is iterative with one point of return, so a pattern of many stars costs at most its length times the value's.

Source: IAM User Guide, "IAM policy elements: Variables and tags" and "Resource".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

Context = Mapping[str, tuple[str, ...]]
"""Condition keys in lower case to their values; a single-valued key has one."""

_VARIABLE = re.compile(r"\$\{(?P<body>[^{}]*)\}")
_NAMED = re.compile(r"\s*(?P<key>[A-Za-z0-9:/_.+=@-]+)\s*(?:,\s*'(?P<default>[^']*)'\s*)?")
_ESCAPES = frozenset("*?$")


class PolicyError(Exception):
    """A policy document holds something that is not understood; ``where`` is the path to it."""

    def __init__(self, where: str, problem: str) -> None:
        """Name the place and the problem."""
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem


class Wildcard(Enum):
    """The two wildcards."""

    ANY = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True)
class Variable:
    """``${key}``, the key in lower case, with a default where one was given."""

    key: str
    default: str | None


Part = str | Wildcard | Variable
Glyph = str | Wildcard
"""One literal character, or a wildcard."""
Matcher = re.Pattern[str] | str
"""What a value is held against: plain text where there are no wildcards."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A parsed text: literal runs, wildcards, variables in order.

    Attributes:
        text: how it was written.
        parts: in order.
        fixed: what it resolves to for every request, or None when it has variables.
        whole: ``fixed`` ready to be matched, colons like any character.
        arn: ``fixed`` ready to be matched part by part of an ARN; None where it has too few parts.
    """

    text: str
    parts: tuple[Part, ...]
    fixed: tuple[Glyph, ...] | None = None
    whole: Matcher = ""
    arn: Matcher | None = None

    def fits(self, value: str, context: Context) -> bool | None:
        """Whether the whole of ``value`` fits, colons like any character; None when a variable has no single value."""
        if self.fixed is not None:
            return matches(self.whole, value)
        glyphs = self.resolve(context)
        return None if glyphs is None else glyphs_match(glyphs, value)

    def resolve(self, context: Context) -> tuple[Glyph, ...] | None:
        """Literal characters and wildcards for this request, or None when a variable has no single value."""
        if self.fixed is not None:
            return self.fixed
        glyphs: list[Glyph] = []
        for part in self.parts:
            if isinstance(part, Variable):
                values = context.get(part.key, ())
                if len(values) > 1 or (not values and part.default is None):
                    return None
                glyphs.extend(values[0] if values else part.default or "")
            elif isinstance(part, Wildcard):
                glyphs.append(part)
            else:
                glyphs.extend(part)
        return tuple(glyphs)

    def variables(self) -> frozenset[str]:
        """Keys of its variables."""
        return frozenset(part.key for part in self.parts if isinstance(part, Variable))


def parse_pattern(text: str, where: str, *, wildcards: bool, variables: bool) -> Pattern:
    """Read ``text``.

    Args:
        text: as it stands in the document.
        where: path to it, for the error.
        wildcards: whether ``*`` and ``?`` have a meaning here.
        variables: whether ``${...}`` has.

    Raises:
        PolicyError: a variable where none can be, or one that cannot be read.
    """
    parts: list[Part] = []
    at = 0
    for found in _VARIABLE.finditer(text):
        parts += _plain(text[at : found.start()], where, wildcards)
        if not variables:
            raise PolicyError(where, "a policy variable has no meaning here")
        parts.append(_variable(found["body"], where))
        at = found.end()
    parts += _plain(text[at:], where, wildcards)
    pattern = Pattern(text, tuple(parts))
    if pattern.variables():
        return pattern
    fixed = pattern.resolve({}) or ()
    return Pattern(text, pattern.parts, fixed, matcher(fixed), _arn_matcher(fixed))


def matcher(glyphs: tuple[Glyph, ...]) -> Matcher:
    """Glyphs ready to be matched: text, or a regular expression that never goes back over what it matched.

    Between stars stand texts of fixed length, for which the first place where one fits is always good enough. So each
    is tried at its first place only (an atomic group), and the cost stays the length of the pattern times the value's.
    """
    return _plain_text(glyphs) or re.compile(_expression(glyphs, "."), re.DOTALL)


def _arn_matcher(glyphs: tuple[Glyph, ...]) -> Matcher | None:
    """The same for an ARN: no wildcard reaches over one of the first five colons."""
    *parts, last = arn_segments(glyphs)
    if len(parts) != 5:
        return None
    inner = ":".join(_expression(part, "[^:]") for part in parts)
    return _plain_text(glyphs) or re.compile(f"{inner}:{_expression(last, '.')}", re.DOTALL)


def _plain_text(glyphs: tuple[Glyph, ...]) -> str:
    texts = [glyph for glyph in glyphs if isinstance(glyph, str)]
    return "".join(texts) if len(texts) == len(glyphs) else ""


def _expression(glyphs: tuple[Glyph, ...], one: str) -> str:
    """A regular expression for glyphs; ``one`` is what stands for any one character."""
    runs: list[str] = [""]
    for glyph in glyphs:
        if glyph is Wildcard.ANY:
            runs.append("")
        else:
            runs[-1] += one if glyph is Wildcard.ONE else re.escape(str(glyph))
    if len(runs) == 1:
        return runs[0]
    first, *middle, last = runs
    return first + "".join(f"(?>{one}*?{run})" for run in middle if run) + f"{one}*{last}"


def matches(found: Matcher, value: str) -> bool:
    """Whether the whole of ``value`` fits."""
    return found == value if isinstance(found, str) else found.fullmatch(value) is not None


def _plain(text: str, where: str, wildcards: bool) -> list[Part]:
    if "${" in text:
        raise PolicyError(where, "a policy variable is not closed")
    pieces = re.split(r"([*?])", text) if wildcards else [text]
    return [Wildcard(piece) if wildcards and piece in ("*", "?") else piece for piece in pieces if piece]


def _variable(body: str, where: str) -> Part:
    if body in _ESCAPES:
        return body
    found = _NAMED.fullmatch(body)
    if found is None:
        raise PolicyError(where, f"the policy variable ${{{body}}} cannot be read")
    return Variable(found["key"].lower(), found["default"])


def glyphs_match(glyphs: tuple[Glyph, ...], value: str) -> bool:
    """Whether the whole of ``value`` fits the pattern."""
    at = here = 0
    star, mark = -1, 0
    while here < len(value):
        glyph = glyphs[at] if at < len(glyphs) else None
        if glyph is Wildcard.ANY:
            star, mark = at, here
            at += 1
        elif glyph is Wildcard.ONE or glyph == value[here]:
            at += 1
            here += 1
        elif star >= 0:
            mark += 1
            at, here = star + 1, mark
        else:
            return False
    return all(glyph is Wildcard.ANY for glyph in glyphs[at:])


def arn_matches(glyphs: tuple[Glyph, ...], value: str) -> bool:
    """Whether an ARN fits segment by segment; no wildcard reaches over one of the first five colons.

    The pattern ``*`` alone fits everything, also the resource ``*`` of operations that have none.
    """
    if glyphs == (Wildcard.ANY,):
        return True
    segments, values = arn_segments(glyphs), value.split(":", 5)
    if len(segments) != 6 or len(values) != 6:
        return False
    return all(glyphs_match(segment, part) for segment, part in zip(segments, values, strict=True))


def arn_segments(glyphs: tuple[Glyph, ...]) -> list[tuple[Glyph, ...]]:
    """The pattern cut at its first five colons."""
    segments: list[tuple[Glyph, ...]] = []
    start = 0
    for at, glyph in enumerate(glyphs):
        if glyph == ":" and len(segments) < 5:
            segments.append(glyphs[start:at])
            start = at + 1
    return [*segments, glyphs[start:]]
