"""The API in this process, on an opened data directory: the same validation, gate and use cases as behind HTTP."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from custodes.cli.client.api import ApiFailureError
from custodes.cli.client.identity import SigningCredentials
from custodes.core.clock import SystemClock
from custodes.core.errors import CustodesError, UnavailableError
from custodes.deployment.server import Deployment, new_request_id
from custodes.edge.aws.errors import ApiError, api_error
from custodes.edge.aws.validate import validate
from custodes.operations.requests.context import Context
from custodes.operations.requests.ports import AccessKey


class LocalApi:
    """The API in this process."""

    def __init__(self, deployment: Deployment, credentials: SigningCredentials) -> None:
        """Call the handlers of ``deployment`` as whoever has ``credentials``.

        Raises:
            UnavailableError: nobody there has them.
        """
        self._deployment = deployment
        key = deployment.accounts.find(credentials.access_key_id, credentials.session_token)
        if key is None or not hmac.compare_digest(key.secret.encode(), credentials.secret.encode()):
            raise UnavailableError(f"the access key {credentials.access_key_id} is not known in {self.place}")
        self._key = key

    @property
    def arn(self) -> str:
        """As whom calls are made."""
        return self._key.caller(self._deployment.settings.region).arn

    @property
    def place(self) -> str:
        """The data directory."""
        return str(self._deployment.settings.data)

    def call(self, operation: str, **members: Any) -> Mapping[str, Any]:
        """See Api."""
        try:
            validate(members, self._deployment.service.known[operation])
            return self._deployment.handlers[operation](self._context(self._key), members).result
        except ApiError as error:
            raise ApiFailureError(error.code, error.message) from error
        except CustodesError as error:
            raise ApiFailureError(api_error(error).code, error.message) from error

    def _context(self, key: AccessKey) -> Context:
        return Context(key.caller(self._deployment.settings.region), new_request_id(), SystemClock().now_ms())
