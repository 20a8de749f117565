"""The API on a running server, through boto3 like any other client."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, ParamValidationError
from botocore.session import Session

from custodes.cli.client.api import ApiFailureError, unanswered
from custodes.cli.client.identity import SigningCredentials
from custodes.cli.client.signed import SignedClient
from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.edge.aws.model import load_service


class RemoteApi:
    """Calls a server; boto3 clients are thread-safe."""

    def __init__(self, url: str, region: str, credentials: SigningCredentials) -> None:
        """Call ``url`` with ``credentials``, in requests signed for ``region``."""
        session = _session(region, credentials)
        signing = Credentials(credentials.access_key_id, credentials.secret, credentials.session_token)
        self._signed = SignedClient(url.rstrip("/"), region, signing, base="")
        config = Config(retries={"mode": "standard", "total_max_attempts": 4}, max_pool_connections=32)
        self._client = session.client("rekognition", endpoint_url=url, config=config)
        self._methods = {api: method for method, api in self._client.meta.method_to_api_mapping.items()}
        self._url = url

    @classmethod
    def assuming(
        cls, url: str, region: str, credentials: SigningCredentials, role: str, tags: Mapping[str, str]
    ) -> RemoteApi:
        """Call ``url`` as the role with ARN ``role``, whose session states ``tags``.

        Raises:
            ApiFailureError: the role may not be assumed.
            UnavailableError: the server cannot be reached.
        """
        client = _session(region, credentials).client("sts", endpoint_url=url)
        stated = [{"Key": name, "Value": value} for name, value in tags.items()]
        try:
            found = client.assume_role(RoleArn=role, RoleSessionName="custodes", Tags=stated)["Credentials"]
        except ClientError as error:
            value = error.response["Error"]
            raise ApiFailureError(value.get("Code", "Unknown"), value.get("Message", "")) from error
        except EndpointConnectionError as error:
            raise unanswered(url) from error
        except BotoCoreError as error:
            raise UnavailableError(f"{url}: {error}") from error
        key = SigningCredentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
        return cls(url, region, key)

    @property
    def place(self) -> str:
        """The server's URL."""
        return self._url

    def call(self, operation: str, **members: Any) -> Mapping[str, Any]:
        """See Api."""
        if operation not in self._methods:
            return self._own(operation, members)
        try:
            answer: Mapping[str, Any] = getattr(self._client, self._methods[operation])(**members)
        except ClientError as error:
            value = error.response["Error"]
            raise ApiFailureError(value.get("Code", "Unknown"), value.get("Message", "")) from error
        except ParamValidationError as error:
            raise InvalidParameterError(str(error)) from error
        except EndpointConnectionError as error:
            raise unanswered(self._url) from error
        except BotoCoreError as error:
            raise UnavailableError(f"{self._url}: {error}") from error
        return answer

    def _own(self, operation: str, members: Mapping[str, Any]) -> Mapping[str, Any]:
        """An operation that Rekognition does not have, at its own path."""
        paths = {own.name: path for path, own in load_service().own.items()}
        return self._signed.post(paths[operation], _encoded(members))


def _encoded(members: Mapping[str, Any]) -> dict[str, object]:
    """Members as JSON has them: bytes in Base64."""
    return {name: _value(value) for name, value in members.items()}


def _value(value: Any) -> object:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, Mapping):
        return _encoded(value)
    return [_value(one) for one in value] if isinstance(value, list | tuple) else value


def _session(region: str, credentials: SigningCredentials) -> boto3.session.Session:
    # The profile that AWS_PROFILE names is not ours to read here: it may be for other work, or not be there.
    core = Session(session_vars={"profile": (None, None, None, None)})
    return boto3.session.Session(
        botocore_session=core,
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret,
        aws_session_token=credentials.session_token,
        region_name=region,
    )
