"""The text of a trust policy, for those who offer one to their readers. ``tlog.trust`` reads it."""

from __future__ import annotations

import base64

from custodes.ledger.tlog.trust import NONE, VRF, Witness


def write_policy(logs: list[str], witnesses: list[Witness], need: int, vrf_key: bytes | None = None) -> str:
    """Text of a policy: keys of logs, that of their maps, and ``need`` of ``witnesses`` (0: none are asked for)."""
    lines = [f"log {key}" for key in logs]
    lines += [f"{VRF} {base64.b64encode(vrf_key).decode()}"] if vrf_key is not None else []
    lines += [f"witness {w.name} {w.key}" + (f" {w.url}" if w.url else "") for w in witnesses]
    if need:
        lines += [f"group quorum-of-witnesses {need} " + " ".join(w.name for w in witnesses)]
    lines += ["quorum " + ("quorum-of-witnesses" if need else NONE)]
    return "\n".join(lines) + "\n"
