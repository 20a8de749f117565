"""Files that commands write for people: never over what they read. In: where to write, what is read. Out: a refusal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from custodes.core.errors import InvalidParameterError


def refuse_inputs(out: Path | None, inputs: Iterable[Path]) -> None:
    """Refuse ``out`` where it is one of ``inputs``, also by another name of the same file.

    Raises:
        InvalidParameterError: writing would destroy what was given.
    """
    if out is None or not out.exists():
        return
    for path in inputs:
        if path.exists() and out.samefile(path):
            raise InvalidParameterError(f"{out} is what is read here; writing it would destroy it: name another file")
