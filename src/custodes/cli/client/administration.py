"""Commands of the operator, to whoever has the data directory open: the server that runs on it, else this process.

In: a data directory, the name of a command, its members. Out: its answer. Database and ledger have one writer each, so
a running server is asked, over the socket that it has in the directory, rather than the directory opened a second time.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from custodes.cli.client.directory import require_ledger
from custodes.core import errors
from custodes.core.errors import CustodesError, UnavailableError
from custodes.settings import from_environment

_SOCKET = "admin.sock"
_TIMEOUT_S = 600.0
_FIRST = "account create"
"""The one command that a directory may begin with."""


def ask(data: Path, operation: str, /, **members: object) -> Mapping[str, Any]:
    """Have the command ``operation`` carried out; members that are None are left out.

    Raises:
        CustodesError: it could not be; the message says why.
    """
    settings = from_environment(data=data)
    given = {name: value for name, value in members.items() if value is not None}
    connection = _Connection(settings.data)
    if connection.reaches():
        return connection.ask(operation, given)
    if operation == _FIRST:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    else:
        require_ledger(settings.data)
    # Takes a while to import, and most of the time a server runs.
    from custodes.deployment.administration import carry_out_here

    return carry_out_here(settings, operation, given)


def is_served(data: Path) -> bool:
    """Whether a server has ``data`` open."""
    connection = _Connection(data)
    reached = connection.reaches()
    connection.close()
    return reached


class _Connection(http.client.HTTPConnection):
    def __init__(self, data: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_S)
        self._path = os.path.realpath(data / _SOCKET)

    def connect(self) -> None:
        """Connect to the socket instead of a port."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)

    def reaches(self) -> bool:
        """Whether somebody listens. A killed server leaves its file, but nobody behind it."""
        try:
            self.connect()
        except OSError:
            self.close()
            return False
        return True

    def ask(self, operation: str, members: Mapping[str, object]) -> Mapping[str, Any]:
        """Ask the server. Raises what it says, or UnavailableError."""
        try:
            self.request("POST", "/" + operation.replace(" ", "/"), json.dumps(members))
            answer: dict[str, Any] = json.loads(self.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnavailableError("the server that has this directory open did not answer") from error
        finally:
            self.close()
        if "error" in answer:
            kind = getattr(errors, str(answer["error"]), None)
            known = isinstance(kind, type) and issubclass(kind, CustodesError)
            raise (kind if known and kind is not None else UnavailableError)(str(answer["message"]))
        found: Mapping[str, Any] = answer["answer"]
        return found
