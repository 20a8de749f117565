"""As whom commands call the API: one rule for all of them, and one line that says the outcome.

In: the environment, a data directory. Out: credentials, and the ARN that they stand for. The rule: credentials that
AWS clients would find (``AWS_ACCESS_KEY_ID``, ``AWS_PROFILE``) if they are of a Custodes server, whose key ids say so;
else the data directory's own. So a key of Amazon's, set for other work, is never sent here and never in the way.
"""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import typer

from custodes.cli.client.api import ApiFailureError, unanswered
from custodes.core.errors import UnavailableError
from custodes.settings import names_aws_credentials
from custodes.storage.files.credentials import stored_account, stored_key

# The first letters of ids of keys that a server made, for good (access_keys.py in operations/accounts/credentials) and
# for a session (sessions.py beside it). Amazon's begin with AKIA and ASIA.
_OURS = ("AKCU", "ASCU")
_STS_VERSION = "2011-06-15"
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class SigningCredentials:
    """An access key to sign with.

    Attributes:
        access_key_id: its id.
        secret: the secret; never printed.
        session_token: of temporary credentials.
        account: the account whose root it is, where that is known without asking; else empty.
    """

    access_key_id: str
    secret: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    account: str = ""


def find_credentials(data: Path) -> SigningCredentials:
    """What a command signs with.

    Raises:
        UnavailableError: neither the environment nor ``data`` has a key of a Custodes server.
    """
    found = _of_environment() or _of_directory(data)
    if found is None:
        raise UnavailableError(
            f"there are no credentials: {data} has no key, and neither AWS_ACCESS_KEY_ID nor AWS_PROFILE names one "
            "of a Custodes server"
        )
    return found


def say_caller(arn: str, place: str) -> None:
    """Say, where errors go, as whom a command calls which server."""
    typer.echo(f"custodes: as {arn} at {place}", err=True)


def caller_arn(url: str, region: str, credentials: SigningCredentials) -> str:
    """The ARN that ``credentials`` stand for at the server ``url``, which is asked unless the directory tells.

    Raises:
        ApiFailureError: the server does not know them.
        UnavailableError: it does not answer.
    """
    if credentials.account:
        return f"arn:aws:iam::{credentials.account}:root"
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    body = urlencode({"Action": "GetCallerIdentity", "Version": _STS_VERSION}).encode()
    form = {"content-type": "application/x-www-form-urlencoded"}
    request = AWSRequest("POST", f"{url.rstrip('/')}/", form, body)
    key = Credentials(credentials.access_key_id, credentials.secret, credentials.session_token)
    SigV4Auth(key, "sts", region).add_auth(request)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    # Addresses but http and https were refused before.
    sent = urllib.request.Request(request.url, body, dict(request.headers))  # noqa: S310
    try:
        with opener.open(sent, timeout=_TIMEOUT_S) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        raise _refusal(error.read().decode("utf-8", "replace"), credentials) from error
    except OSError as error:
        raise unanswered(url) from error
    return _element(text, "Arn") or credentials.access_key_id


def _of_environment() -> SigningCredentials | None:
    """The key that variables hold, else the one that stands in the profile they name; nobody is asked for another."""
    if not names_aws_credentials():
        return None
    from botocore.credentials import EnvProvider
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    try:
        # An empty variable is one that is not set; botocore would look for a profile without a name.
        found = EnvProvider().load()
        if found is not None:
            return _ours(found.access_key, found.secret_key, found.token)
        profile = Session().get_scoped_config()
    except BotoCoreError as error:
        raise UnavailableError(f"the credentials of AWS_ACCESS_KEY_ID or AWS_PROFILE: {error}") from error
    keys = [profile.get(name) for name in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")]
    return _ours(keys[0], keys[1], keys[2]) if keys[0] and keys[1] else None


def is_ours(access_key_id: str) -> bool:
    """Whether a Custodes server made the key of this id."""
    return access_key_id.startswith(_OURS)


def _ours(access_key_id: str, secret: str, token: str | None) -> SigningCredentials | None:
    """Credentials, if a Custodes server made them."""
    return SigningCredentials(access_key_id, secret, token) if is_ours(access_key_id) else None


def _of_directory(data: Path) -> SigningCredentials | None:
    key, account = stored_key(data), stored_account(data)
    return None if key is None or account is None else SigningCredentials(key[0], key[1], None, account)


def _refusal(text: str, credentials: SigningCredentials) -> ApiFailureError:
    message = _element(text, "Message") or "the server refuses these credentials"
    return ApiFailureError(_element(text, "Code") or "Unknown", f"{credentials.access_key_id}: {message}")


def _element(xml: str, name: str) -> str | None:
    """Text of the first element of that name; a server's answer of known form, read without a parser of XML."""
    found = re.search(rf"<{name}>([^<]*)</{name}>", xml)
    return found[1] if found else None
