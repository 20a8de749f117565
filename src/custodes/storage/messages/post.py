"""One HTTP request with a body to an address of the operator's, and no other: redirects are not followed.

In: an address, a body, headers. Out: the status. A redirect would carry what is sent, with its signature, to whoever
the receiver names.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from custodes.core.errors import UnavailableError

_TIMEOUT_S = 10


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Answer with the redirect itself, which is a failure."""


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Send ``body``; the status of the answer, whatever it is. Raises UnavailableError when there is none."""
    opener = urllib.request.build_opener(_NoRedirect())
    request = urllib.request.Request(url, body, dict(headers))  # noqa: S310 - the operator's own
    try:
        with opener.open(request, timeout=_TIMEOUT_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (OSError, ValueError) as error:
        raise UnavailableError("The webhook does not answer.") from error
