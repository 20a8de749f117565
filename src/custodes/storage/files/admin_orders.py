"""What an operator's command asks of the server that writes the ledger: small files in a folder only they can open.

In: an order as JSON, from another process of the same user. Out: its answer. A file appears whole, by renaming; an
order is taken away before it is carried out, so that no order is carried out twice. Needs no port, no key, no network.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from custodes.core.errors import UnavailableError
from custodes.durable import write_whole
from custodes.operations.record.housekeeping import Order

_POLL_S = 0.05
_MAX_BYTES = 1 << 20


class FileOrders:
    """Both ends of the folder: ``place`` is the command's, the rest is the server's."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, which must exist with mode 0700."""
        self._folder = folder

    def place(self, members: Mapping[str, object], timeout_s: float = 120.0) -> Mapping[str, object]:
        """Ask the running server and wait for its answer.

        Raises:
            UnavailableError: it did not answer in time.
        """
        name = secrets.token_hex(8)
        order, answer = self._folder / f"{name}.order", self._folder / f"{name}.answer"
        self._write(order, members)
        deadline = time.monotonic() + timeout_s
        while not answer.exists():
            if time.monotonic() > deadline:
                order.unlink(missing_ok=True)
                raise UnavailableError("the server that writes this ledger did not answer in time")
            time.sleep(_POLL_S)
        parsed: Mapping[str, object] = json.loads(answer.read_bytes())
        answer.unlink()
        return parsed

    @contextmanager
    def attended(self) -> Iterator[None]:
        """Be the one that carries out orders; forgets what is left of another run.

        Raises:
            UnavailableError: another process does so already.
        """
        with self._lock_file() as file:
            if not _locked(file):
                raise UnavailableError("another process carries out the orders for this ledger")
            for path in [*self._folder.glob("*.order"), *self._folder.glob("*.answer"), *self._folder.glob("*.new")]:
                path.unlink(missing_ok=True)
            yield

    def is_attended(self) -> bool:
        """Whether a process carries out orders. The operating system tells, so a killed one does not."""
        with self._lock_file() as file:
            return not _locked(file)

    def _lock_file(self) -> BinaryIO:
        fd = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return os.fdopen(fd, "r+b")

    def take(self) -> Iterator[Order]:
        """Orders that wait. What cannot be read is thrown away."""
        for path in sorted(self._folder.glob("*.order")):
            data = path.read_bytes() if path.stat().st_size <= _MAX_BYTES else b""
            path.unlink()
            try:
                members = json.loads(data)
            except ValueError:
                continue
            if isinstance(members, dict):
                yield Order(path.stem, members)

    def answer(self, order: Order, members: Mapping[str, object]) -> None:
        """Tell whoever placed ``order``."""
        self._write(self._folder / f"{order.name}.answer", members)

    def _write(self, path: Path, members: Mapping[str, object]) -> None:
        write_whole(path, json.dumps(members).encode(), path.with_suffix(".new"), 0o600)


def _locked(file: BinaryIO) -> bool:
    """Lock ``file`` until it is closed; False when somebody else has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
