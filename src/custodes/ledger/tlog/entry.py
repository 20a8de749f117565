"""Entries of the log: the public envelope, one canonical JSON object of at most 256 bytes without personal data.

In: a kind, units, public fields and the commitment to a private body (see ``body``). Out: bytes, and back. Evolution
rule, so that old entries keep their meaning: a kind, a field and its meaning are never changed or reused; a kind may
gain optional fields, new kinds may come; readers accept kinds and fields that they do not know, as long as the bytes
are canonical; anything else needs a new ``v``. Source: RFC 8785 for the bytes, FORMAT.md for the kinds.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

MAX_ENVELOPE_BYTES = 256
VERSION = 1

# RFC 8785 numbers are IEEE doubles: integers are exact up to here.
MAX_INT = (1 << 53) - 1
_MAX_TIME = len(str(MAX_INT))

Value = int | str

_KEY = re.compile(r"[a-z][a-z0-9_]{0,15}")
_TOKEN = re.compile(r"[A-Za-z0-9._:/+-]{0,128}")
_RESERVED = frozenset("cktuv")


class EntryError(Exception):
    """An entry breaks a rule of the format; the message says which, without private content."""


def _is_count(value: Value) -> bool:
    return isinstance(value, int)


def _is_token(value: Value) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 40


def _is_digest(value: Value) -> bool:
    return isinstance(value, str) and _is_b64url(value, 32)


def _is_signature(value: Value) -> bool:
    return isinstance(value, str) and _is_b64url(value, 64)


def _is_decision(value: Value) -> bool:
    return value in ("allow", "deny")


def _is_currency(value: Value) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Z]{3}", value) is not None


def _is_index(value: Value) -> bool:
    """Where an entry stands; no log has more, and so many digits leave room."""
    return _is_count(value) and int(value) < 10**12


_Check = Callable[[Value], bool]


@dataclass(frozen=True, slots=True)
class EntryKind:
    """What one kind of entry may say in public: fields it must have and may have, and whether it counts units."""

    name: str
    must: Mapping[str, _Check] = field(default_factory=dict)
    may: Mapping[str, _Check] = field(default_factory=dict)
    units: bool = False


_KIND_ROWS = (
    # Start of the server: digests of the program, what it depends on, its configuration and its models.
    EntryKind("boot", {"r": _is_digest}, {"d": _is_digest, "g": _is_digest, "m": _is_digest}),
    # Decision before work; commitment to an excerpt of the body (s). Each "allow" is settled by exactly one "use" or
    # "void" that names it.
    EntryKind("auth", {"d": _is_decision}, {"s": _is_digest}),
    EntryKind("use", {"a": _is_count}, units=True),
    EntryKind("void", {"a": _is_count}),
    # Accounts opened, closed, changed (x); how many are open after it (n); commitment to an excerpt of the body (s).
    EntryKind("acc", {}, {"n": _is_count, "s": _is_digest, "x": _is_token}),
    # Onboarding dossier: digest of the evidence (e).
    EntryKind("org", {}, {"e": _is_digest, "n": _is_count}),
    # Policy: digest (p), valid from (b, ms), number of signers (q), digest of the newest change (h), occasion (x).
    EntryKind("pol", {"p": _is_digest}, {"b": _is_count, "h": _is_digest, "q": _is_count, "x": _is_token}),
    # List import and screening: digest of the list or lists (l), name (x).
    EntryKind("list", {"l": _is_digest}, {"n": _is_count, "x": _is_token}),
    EntryKind("scr", {"l": _is_digest}, {"n": _is_count}),
    # A person's review of results; erasures (old root o, new root w) and retention runs, with counts (n).
    EntryKind("rev", {}, {"n": _is_count}),
    EntryKind("era", {"n": _is_count}, {"o": _is_digest, "w": _is_digest}),
    EntryKind("ret", {"n": _is_count}, {"o": _is_digest, "w": _is_digest}),
    # Private bodies of n entries are about to be destroyed, by a rule (x); entry m is the head that counts them.
    EntryKind("del", {"m": _is_count, "n": _is_count}, {"x": _is_token}),
    # Invoice run of a month (x): total in minor units (s), currency (y), root over the bills (r), uses billed (n), the
    # run of the same month that it takes the place of (o).
    EntryKind(
        "bil", {"r": _is_digest, "s": _is_count, "y": _is_currency}, {"n": _is_count, "o": _is_count, "x": _is_token}
    ),
    # Head of a map (m) over the first n entries: root (r), VRF public key (y), sums over the map: counts (q; uses in
    # the account map, faces in the collection map) and units (s); those of the n that say the clock was wrong (i); the
    # change of the VRF key that this key is of (b), none for the first one.
    EntryKind(
        "map",
        {"m": _is_token, "n": _is_count, "r": _is_digest},
        {"b": _is_index, "i": _is_count, "q": _is_count, "s": _is_count, "y": _is_digest},
    ),
    # Change of the VRF key to y; a and b are the last heads of the account map and the party map under the old one, e
    # the digest of their names with proofs under both; signed by q officers.
    EntryKind("vrf", {"a": _is_index, "b": _is_index, "e": _is_digest, "y": _is_digest}, {"q": _is_count}),
    # A time stamp by an outside authority (x) over the checkpoint of the first n entries; the body has the token.
    EntryKind("tsa", {"n": _is_count}, {"x": _is_token}),
    # Resource reconciliation; note of an incident; emergency access.
    EntryKind("rec", {}, {"n": _is_count, "s": _is_count, "x": _is_token}),
    EntryKind("inc", {}, {"n": _is_count, "q": _is_count, "x": _is_token}),
    EntryKind("emg", {}, {"n": _is_count, "x": _is_token}),
    # A command of the operator, before it is carried out.
    EntryKind("adm"),
    # Change of the log's key: old key (o), new key (y), the old key's signature (s). See ``keys.check_rotation``.
    EntryKind("key", {"o": _is_digest, "s": _is_signature, "y": _is_digest}),
)
KINDS: Mapping[str, EntryKind] = MappingProxyType({row.name: row for row in _KIND_ROWS})


def b64url(data: bytes) -> str:
    """Base64url without padding, the spelling of all binary values in envelopes."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64url(text: str) -> bytes:
    """Inverse of ``b64url``.

    Raises:
        EntryError: not canonical base64url.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise EntryError("malformed base64url") from error
    if b64url(data) != text:
        raise EntryError("base64url is not in canonical form")
    return data


def _is_b64url(text: str, length: int) -> bool:
    try:
        return len(from_b64url(text)) == length
    except EntryError:
        return False


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as everybody may see it.

    Attributes:
        kind: what the entry is about; see ``KINDS``.
        t: milliseconds since the epoch when the log took it; never before the entry in front of it.
        units: units of use, for kinds that count them.
        commitment: SHA-256 over salt and private body, or None where there is no body.
        fields: further public values, integers or tokens.
    """

    kind: str
    t: int
    units: int | None = None
    commitment: bytes | None = None
    fields: Mapping[str, Value] = field(default_factory=dict)

    def encode(self) -> bytes:
        """The canonical bytes, which are the leaf.

        Raises:
            EntryError: a value is out of range or the envelope too long.
        """
        return draft(self.kind, self.units, self.commitment, self.fields).at(self.t)

    @property
    def settles(self) -> int | None:
        """Index of the ``auth`` entry that this ``use`` or ``void`` settles."""
        value = self.fields.get("a")
        return value if self.kind in ("use", "void") and isinstance(value, int) else None

    @property
    def reserves(self) -> bool:
        """Whether this entry permits work that must be settled."""
        return self.kind == "auth" and self.fields.get("d") == "allow"


@dataclass(frozen=True, slots=True)
class Draft:
    """An envelope that only lacks its time, which the log sets."""

    head: bytes
    tail: bytes

    def at(self, t: int) -> bytes:
        """The envelope at ``t`` ms."""
        return b"%b%d%b" % (self.head, t, self.tail)


def draft(kind: str, units: int | None, commitment: bytes | None, fields: Mapping[str, Value]) -> Draft:
    """Canonical bytes around the time. Only the syntax is checked here, see ``check`` for the rules of the kind.

    Raises:
        EntryError: a value is out of range or the envelope too long.
    """
    members: dict[str, Value] = {"k": kind, "v": VERSION}
    if commitment is not None:
        members["c"] = b64url(commitment)
    if units is not None:
        members["u"] = units
    for name, value in fields.items():
        if name in _RESERVED or not _KEY.fullmatch(name):
            raise EntryError(f"an entry cannot have a field {name!r}")
        members[name] = value
    head, tail = "{", ""
    for name in sorted(members):
        if name < "t":
            head += _member(name, members[name]) + ","
        else:
            tail += "," + _member(name, members[name])
    result = Draft(f'{head}"t":'.encode(), f"{tail}}}".encode())
    if len(result.head) + len(result.tail) + _MAX_TIME > MAX_ENVELOPE_BYTES:
        raise EntryError(f"the envelope is longer than {MAX_ENVELOPE_BYTES} bytes")
    return result


def _member(name: str, value: Value) -> str:
    if isinstance(value, str):
        if not _TOKEN.fullmatch(value):
            raise EntryError(f"field {name!r} has characters that an envelope cannot hold")
        return f'"{name}":"{value}"'
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INT:
        raise EntryError(f"field {name!r} is neither a token nor an integer in range")
    return f'"{name}":{value}'


def check(kind: str, units: int | None, fields: Mapping[str, Value]) -> None:
    """Whether we may write such an entry: known kind, all fields it must have, none that it does not know.

    Raises:
        EntryError: it breaks a rule of its kind.
    """
    rule = KINDS.get(kind)
    if rule is None:
        raise EntryError(f"there are no entries of kind {kind!r}")
    if (units is not None) != rule.units:
        raise EntryError(f"{kind!r} entries {'must' if rule.units else 'do not'} count units")
    for name in rule.must:
        if name not in fields:
            raise EntryError(f"a {kind!r} entry needs field {name!r}")
    for name, value in fields.items():
        test = rule.must.get(name) or rule.may.get(name)
        if test is None:
            raise EntryError(f"a {kind!r} entry has no field {name!r}")
        if not test(value):
            raise EntryError(f"field {name!r} of a {kind!r} entry has a wrong value")


def decode(data: bytes) -> Entry:
    """Read an envelope, of a known kind or not.

    Raises:
        EntryError: the bytes are not a canonical envelope, or break a rule of a kind that is known.
    """
    if len(data) > MAX_ENVELOPE_BYTES:
        raise EntryError("the envelope is too long")
    try:
        members = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise EntryError("the envelope is not JSON") from error
    if not isinstance(members, dict):
        raise EntryError("the envelope is not an object")
    version, kind, t = members.pop("v", None), members.pop("k", None), members.pop("t", None)
    if version != VERSION or not isinstance(kind, str) or not isinstance(t, int):
        raise EntryError("the envelope lacks version, kind or time")
    packed, units = members.pop("c", None), members.pop("u", None)
    if not (units is None or isinstance(units, int)):
        raise EntryError("units are a number")
    entry = Entry(kind, t, units, _commitment(packed), members)
    if isinstance(t, bool) or not 0 <= t <= MAX_INT or entry.encode() != data:
        raise EntryError("the envelope is not in canonical form")
    if kind in KINDS:
        _check_known(entry)
    return entry


def _commitment(packed: object) -> bytes | None:
    if packed is None:
        return None
    if not isinstance(packed, str) or not _is_b64url(packed, 32):
        raise EntryError("the commitment is not a digest")
    return from_b64url(packed)


def _check_known(entry: Entry) -> None:
    """The rules of a known kind, but for fields that came later than this reader."""
    rule = KINDS[entry.kind]
    known = {name: value for name, value in entry.fields.items() if name in rule.must or name in rule.may}
    check(entry.kind, entry.units, known)
