"""Forms that a browser sends, read under limits and into memory: pictures never touch a temporary file.

In: a request. Out: ``Form`` with its texts and files. It knows no pages.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.datastructures import UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from custodes.core.errors import ImageTooLargeError, InvalidParameterError

MAX_BODY_BYTES = 24 * 1024 * 1024
"""Two pictures of the API's limit of 5 MiB and a statement fit in."""
SMALL_BODY_BYTES = 64 * 1024
"""Of forms of strangers, who are not signed in."""
BODY_TIMEOUT_S = 60.0
MAX_FIELDS = 200
MAX_FILES = 4
MAX_TEXT_BYTES = 8 * 1024 * 1024
"""Of one field that is no file."""


@dataclass(frozen=True, slots=True)
class Form:
    """What was sent: the first text of each name, all texts of each name, and non-empty files."""

    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def text(self, name: str, default: str = "") -> str:
        """The first value of ``name`` without spaces around it."""
        values = self.texts.get(name)
        return values[0].strip() if values else default

    def all(self, name: str) -> Sequence[str]:
        """Every value of ``name``, like those of ticked boxes."""
        return self.texts.get(name, ())


class _InMemory(MultiPartParser):
    """Starlette's parser without files on disk; the body as a whole is bounded by ``_bounded``."""

    spool_max_size = MAX_BODY_BYTES + 1


async def read_form(request: Request, limit: int = MAX_BODY_BYTES) -> Form:
    """The form in the body of ``request``, which has at most ``limit`` bytes and comes within a minute.

    Raises:
        ImageTooLargeError: the body is longer than a form may be.
        InvalidParameterError: it is no form.
    """
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:18]) > limit:
        raise ImageTooLargeError(f"This form has at most {limit} bytes.")
    kind = request.headers.get("content-type", "")
    parser: FormParser | MultiPartParser
    if kind.startswith("multipart/form-data"):
        parser = _InMemory(
            request.headers,
            _bounded(request, limit),
            max_files=MAX_FILES,
            max_fields=MAX_FIELDS,
            max_part_size=MAX_TEXT_BYTES,
        )
    elif kind.startswith("application/x-www-form-urlencoded"):
        parser = FormParser(request.headers, _bounded(request, limit))
    else:
        raise InvalidParameterError("This is not a form.")
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            data = await parser.parse()
    except (MultiPartException, ClientDisconnect, UnicodeDecodeError, KeyError, TimeoutError) as error:
        raise InvalidParameterError("The form cannot be read.") from error
    texts: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    for name, value in data.multi_items():
        if isinstance(value, UploadFile):
            content = await value.read()
            if content:
                files[name] = content
        else:
            texts.setdefault(name, []).append(value)
    await data.close()
    return Form(texts, files)


async def _bounded(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > limit:
            raise ImageTooLargeError(f"This form has at most {limit} bytes.")
        yield chunk
