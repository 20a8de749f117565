"""``GET /custodes/liveness/NAME``: files that the liveness component of Amplify loads into the browser.

In: zips of the model store. Out: their files, to anybody and from any page: they are public, and the same for all. Read
at the first request and kept. It converts and fetches nothing.
"""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from custodes.core.errors import UnavailableError

PATH = "/custodes/liveness"
_TYPES = {".wasm": "application/wasm", ".json": "application/json"}
_HEADERS = {"access-control-allow-origin": "*", "x-content-type-options": "nosniff", "cache-control": "max-age=86400"}


class BrowserFileStore:
    """The files of all zips, by name."""

    def __init__(self, zips: Callable[[], Sequence[Path]]) -> None:
        """Read what ``zips`` names; it raises UnavailableError where something was not fetched."""
        self._zips = zips
        self._lock = threading.Lock()
        self._files: Mapping[str, bytes] | None = None

    def files(self) -> Mapping[str, bytes]:
        """All files. Raises UnavailableError."""
        with self._lock:
            if self._files is None:
                found: dict[str, bytes] = {}
                for path in self._zips():
                    with zipfile.ZipFile(path) as archive:
                        found |= {name: archive.read(name) for name in archive.namelist()}
                self._files = found
            return self._files

    def routes(self) -> list[BaseRoute]:
        """Where they are."""
        return [Route(f"{PATH}/{{name}}", self._serve, methods=["GET"])]

    def _serve(self, request: Request) -> Response:
        try:
            data = self.files().get(request.path_params["name"])
        except UnavailableError:
            return PlainTextResponse("not here; run: custodes models fetch --pack browser\n", 503, _HEADERS)
        if data is None:
            return PlainTextResponse("no such file\n", 404, _HEADERS)
        kind = _TYPES.get(Path(request.path_params["name"]).suffix, "application/octet-stream")
        return Response(data, 200, _HEADERS, media_type=kind)
