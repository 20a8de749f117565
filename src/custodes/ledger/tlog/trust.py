"""Whom a verifier trusts: the log's keys, the witnesses, and how many of them must have cosigned.

In: the text of a policy (C2SP tlog-policy), and checkpoints as they were received. Out: the checkpoint with the times
at which witnesses confirmed it, or TrustError when a signature does not hold or the log is not a trusted one. Whether
too few witnesses is acceptable is left to the caller, who has to say so in the verdict.

A cosignature says: at this time, this was the largest consistent tree of this log that I had seen.
Source: c2sp.org/tlog-policy, c2sp.org/tlog-cosignature (v1, Ed25519), c2sp.org/tlog-checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from custodes.ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from custodes.ledger.tlog.note import (
    NoteError,
    VerifierKey,
    decode_base64,
    holds,
    key_id,
    open_note,
    parse_key,
    spell_key,
)

ALG_COSIGNATURE = 0x04
COSIGNATURE_BYTES = 72
_MAX_POLICY_BYTES = 1 << 16
_MAX_TIME = (1 << 63) - 1
NONE = "none"
VRF = "#vrf"
"""Begins our one line in a policy: ``#vrf``, a key in base64, and the index of the entry from which it holds (0 where
there is none). To other readers of the format it is a comment."""


class TrustError(ValueError):
    """The policy is malformed, or a checkpoint does not deserve trust under it."""


def cosigned_message(time: int, body: bytes) -> bytes:
    """What a witness signs over a checkpoint's text at ``time`` (seconds since the epoch)."""
    return b"cosignature/v1\ntime %d\n" % time + body


@dataclass(frozen=True, slots=True)
class CosignerKey:
    """A witness's public key; it verifies cosignatures in the way ``note`` verifies signatures."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return key_id(self.name, ALG_COSIGNATURE, self.public)

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether ``signature`` (time, then Ed25519) is this witness's over the checkpoint ``text``."""
        if len(signature) != COSIGNATURE_BYTES or cosigned_at(signature) > _MAX_TIME:
            return False
        message = cosigned_message(cosigned_at(signature), text)
        return holds(self.public, signature[8:], message)

    def __str__(self) -> str:
        """The key as it stands in policies."""
        return spell_key(self.name, ALG_COSIGNATURE, self.public)

    @classmethod
    def parse(cls, text: str) -> CosignerKey:
        """Read ``name+id+key``.

        Raises:
            NoteError: the text is malformed, its id does not fit, or it is no Ed25519 cosigner's key.
        """
        return cls(*parse_key(text, ALG_COSIGNATURE))


def cosigned_at(signature: bytes) -> int:
    """Seconds since the epoch of a cosignature's first eight bytes."""
    return int.from_bytes(signature[:8], "big")


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness of the policy. ``url`` is where a log submits checkpoints, if given."""

    name: str
    key: CosignerKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """At least ``need`` of ``members`` (witnesses or groups) must have confirmed."""

    need: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VrfKey:
    """A key of the maps (32 bytes), and the index of the entry from which it holds."""

    public: bytes
    since: int = 0


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Logs, witnesses, and the quorum: the name of a witness or group, or ``none``.

    ``vrf_keys`` are those under which names may have their places in maps; empty where the policy names none, and any
    will do then.
    """

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, Witness]
    groups: Mapping[str, Group]
    quorum: str
    vrf_keys: tuple[VrfKey, ...] = ()

    def met(self, confirmed: frozenset[str] | set[str], name: str | None = None) -> bool:
        """Whether the witnesses called ``confirmed`` are enough."""
        name = self.quorum if name is None else name
        if name == NONE:
            return True
        if name in self.witnesses:
            return name in confirmed
        group = self.groups[name]
        return sum(self.met(confirmed, member) for member in group.members) >= group.need


@dataclass(frozen=True, slots=True)
class Trusted:
    """A checkpoint whose signatures hold.

    Attributes:
        checkpoint: origin, size and root.
        times: per witness of the policy that cosigned, when (seconds since the epoch).
        quorum_met: whether those are enough.
        seen_at: the latest time at which a quorum still saw this as the newest state; None without one, or when the
            policy asks for no witnesses.
    """

    checkpoint: Checkpoint
    times: Mapping[str, int]
    quorum_met: bool
    seen_at: int | None


def open_trusted(data: bytes, policy: TrustPolicy) -> Trusted:
    """Verify a checkpoint. Every signature by a key of the policy must hold; signatures of others are ignored.

    Raises:
        TrustError: it is malformed, not signed by a log of the policy, or a known signature fails.
    """
    cosigners = [witness.key for witness in policy.witnesses.values()]
    try:
        note, signed = open_note(data, [*policy.logs, *cosigners])
        checkpoint = parse_checkpoint(note.text)
    except NoteError as error:
        raise TrustError(f"the checkpoint: {error}") from error
    if not any(key in signed and key.name == checkpoint.origin for key in policy.logs):
        raise TrustError("the checkpoint is not signed by the log that the trust policy names")
    values = {(s.name, s.key_id): cosigned_at(s.value) for s in note.signatures}
    times = {
        name: values[witness.key.name, witness.key.key_id]
        for name, witness in policy.witnesses.items()
        if witness.key in signed
    }
    return Trusted(checkpoint, times, policy.met(set(times)), _seen_at(policy, times))


def _seen_at(policy: TrustPolicy, times: Mapping[str, int]) -> int | None:
    if policy.quorum == NONE:
        return None
    for time in sorted(times.values(), reverse=True):
        if policy.met({name for name, at in times.items() if at >= time}):
            return time
    return None


def parse_policy(data: bytes) -> TrustPolicy:
    """Read a policy.

    Raises:
        TrustError: a line is malformed; the message names it.
    """
    if len(data) > _MAX_POLICY_BYTES or any((byte < 0x20 and byte not in b"\t\n") or byte == 0x7F for byte in data):
        raise TrustError("the trust policy is too long or holds control characters")
    draft = _Draft()
    for number, line in enumerate(data.split(b"\n"), 1):
        # Names are opaque octets: surrogateescape keeps any byte, and str.split() would split at Unicode spaces.
        items = [item.decode(errors="surrogateescape") for item in line.replace(b"\t", b" ").split(b" ") if item]
        if items and (not items[0].startswith("#") or items[0] == VRF):
            try:
                draft.take(items[0], items[1:])
            except (NoteError, TrustError) as error:
                raise TrustError(f"line {number} of the trust policy: {error}") from error
    if draft.quorum is None:
        raise TrustError("the trust policy has no quorum line")
    return TrustPolicy(tuple(draft.logs), draft.witnesses, draft.groups, draft.quorum, tuple(draft.vrf_keys))


class _Draft:
    """A policy while its lines are read, in their order: a line may only refer to names above it."""

    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: dict[str, Witness] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self.vrf_keys: list[VrfKey] = []
        self._members: set[str] = set()

    def take(self, word: str, items: list[str]) -> None:
        if word == "log" and len(items) in (1, 2):
            key = VerifierKey.parse(items[0])
            if any(key.public == other.public for other in self.logs):
                raise TrustError("a log key is given twice")
            self.logs.append(key)
        elif word == "witness" and len(items) in (2, 3):
            self._take_witness(*items)
        elif word == "group" and len(items) >= 3:
            self._take_group(items[0], items[1], items[2:])
        elif word == "quorum" and len(items) == 1:
            if self.quorum is not None or not (items[0] == NONE or self._known(items[0])):
                raise TrustError("there is one quorum line, and it names a witness or group above it")
            self.quorum = items[0]
        elif word == VRF and len(items) in (1, 2):
            since = items[1] if len(items) == 2 else "0"
            if not (since.isascii() and since.isdigit() and len(since) < 16):
                raise TrustError("a VRF key holds from the index of an entry on")
            self.vrf_keys.append(VrfKey(decode_base64(items[0]), int(since)))
        else:
            raise TrustError(f"not understood: {word!r}")

    def _take_witness(self, name: str, text: str, url: str | None = None) -> None:
        key = CosignerKey.parse(text)
        if any(key.public == other.key.public for other in self.witnesses.values()):
            raise TrustError("a witness key is given twice")
        self._check_new(name)
        self.witnesses[name] = Witness(name, key, url)

    def _take_group(self, name: str, need: str, members: list[str]) -> None:
        self._check_new(name)
        if not all(self._known(member) for member in members):
            raise TrustError("a member of the group is not defined above it")
        # tlog-policy: each name is a member at most once, so that a witness contributes in one way only.
        if len(set(members)) != len(members) or self._members & set(members):
            raise TrustError("a name is a member of a group twice")
        words = {"any": 1, "all": len(members)}
        count = words.get(need, int(need) if need.isascii() and need.isdigit() and need[0] != "0" else 0)
        if not 1 <= count <= len(members):
            raise TrustError("the threshold of the group is out of range")
        self._members |= set(members)
        self.groups[name] = Group(count, tuple(members))

    def _known(self, name: str) -> bool:
        return name in self.witnesses or name in self.groups

    def _check_new(self, name: str) -> None:
        if name == NONE or self._known(name):
            raise TrustError(f"the name {name!r} is taken")
