"""The operator's account and access key, kept in the data directory.

In: a directory, the region and address that clients shall use, a source of randomness. Out: the files that AWS clients
read (``credentials``, ``config``), a ``KeyLookup`` for the edge, and shell lines that point a client at them. It knows
one account; a store of many accounts implements ``KeyLookup`` beside it.

Files: ``account`` (twelve digits), ``credentials`` (AWS shared-credentials format), ``config`` (AWS config format), all
mode 0600 in a directory of mode 0700. Each is written to a temporary file, flushed to disk and moved into place.
"""

from __future__ import annotations

import base64
import configparser
import io
import os
import re
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.durable import create_durably, sync_directory, write_durably
from custodes.operations.requests.ports import AccessKey

PROFILE = "custodes"
SERVICES = ("rekognition", "sts")
"""Services of AWS that the server stands in for."""

RandomBytes = Callable[[int], bytes]
"""Gives that many bytes nobody can guess; ``os.urandom`` in production."""

_ACCOUNT = re.compile(r"[0-9]{12}")
_KEY_ID = re.compile(r"[A-Z0-9_]{16,128}")
_SECRET = re.compile(r"[A-Za-z0-9+/=_-]{20,256}")
# Set by other profiles or sessions, these would win over the profile that we name.
_RIVALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")


@dataclass(frozen=True, slots=True)
class OperatorKeys:
    """The one account of an embedded server and its key; a ``KeyLookup``."""

    account_id: AccountId
    key: AccessKey

    def find(self, access_key_id: str, session_token: str | None = None) -> AccessKey | None:
        """The operator's key if it has this id."""
        return self.key if session_token is None and access_key_id == self.key.access_key_id else None


def open_credentials(directory: Path, *, region: str, endpoint_url: str, random: RandomBytes) -> OperatorKeys:
    """Read the operator's account and key, creating what is missing, and keep ``config`` true.

    Safe when two processes start at the same time and after a crash at any point: one account, one key.

    Raises:
        UnavailableError: a file is damaged, belongs to somebody else or cannot be written. The message names the file
            and never what is in it.
    """
    try:
        create_directory(directory)
        account_id = _account(directory / "account", random)
        key = _key(directory / "credentials", account_id, random)
        _write_config(directory / "config", region, endpoint_url)
    except OSError as error:
        reason = f"cannot use the data directory {directory}: {error.strerror}"
        raise UnavailableError(f"{reason}; --data or CUSTODES_DATA names another") from error
    return OperatorKeys(account_id, key)


def operator_account(directory: Path, *, random: RandomBytes) -> AccountId:
    """The operator's account, made where missing; keys and ``config`` are left alone.

    Raises:
        UnavailableError: it cannot be read or written.
    """
    try:
        return _account(directory / "account", random)
    except OSError as error:
        raise UnavailableError(f"the account in {directory} cannot be read: {error.strerror}") from error


def stored_account(directory: Path) -> AccountId | None:
    """The operator's account as it stands in ``directory``; None where there is none. It makes nothing."""
    try:
        text = (directory / "account").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return AccountId(text) if _ACCOUNT.fullmatch(text) else None


def stored_key(directory: Path) -> tuple[str, str] | None:
    """Id and secret of the operator's key as they stand in ``directory``; None where there is none.

    Raises:
        UnavailableError: the file is damaged.
    """
    found = _read_ini(directory / "credentials")
    key_id = found.get(PROFILE, "aws_access_key_id", fallback=None)
    secret = found.get(PROFILE, "aws_secret_access_key", fallback=None)
    return (key_id, secret) if key_id and secret else None


def create_directory(directory: Path) -> None:
    """Create ``directory`` (0700) with its parents if it is missing; one that exists keeps its mode."""
    if not directory.is_dir():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_directory(directory.parent)


@dataclass(frozen=True, slots=True)
class ClientEnvironment:
    """What AWS clients need in their environment: variables to set, and those that would win over them to unset."""

    values: Mapping[str, str]
    unset: tuple[str, ...]


def client_environment(directory: Path) -> ClientEnvironment:
    """Variables after which AWS clients talk to the server of ``directory`` as the operator.

    Raises:
        UnavailableError: the server has not been started with ``directory`` yet.
    """
    directory = directory.resolve()
    found = configured(directory)
    if found is None or not (directory / "credentials").is_file():
        raise UnavailableError(f"no credentials in {directory} yet: start the server with this directory once")
    values = {
        "CUSTODES_DATA": str(directory),
        "AWS_SHARED_CREDENTIALS_FILE": str(directory / "credentials"),
        "AWS_CONFIG_FILE": str(directory / "config"),
        "AWS_PROFILE": PROFILE,
        "AWS_REGION": found.region,
        "AWS_DEFAULT_REGION": found.region,
    }
    values |= {f"AWS_ENDPOINT_URL_{service.upper()}": found.endpoint_url for service in SERVICES}
    return ClientEnvironment(values, _RIVALS)


@dataclass(frozen=True, slots=True)
class Configured:
    """Where the server of a data directory was last reached by clients."""

    region: str
    endpoint_url: str


def configured(directory: Path) -> Configured | None:
    """What ``config`` in ``directory`` says; None before the first start.

    Raises:
        UnavailableError: the file is damaged.
    """
    config = _read_ini(directory / "config")
    region = config.get(f"profile {PROFILE}", "region", fallback=None)
    services = config.get(f"services {PROFILE}", SERVICES[0], fallback="")
    address = re.search(r"^\s*endpoint_url\s*=\s*(\S+)\s*$", services, re.MULTILINE)
    # Written by earlier versions, for all of AWS's services.
    endpoint_url = address[1] if address else config.get(f"profile {PROFILE}", "endpoint_url", fallback=None)
    return Configured(region, endpoint_url) if region and endpoint_url else None


def _account(path: Path, random: RandomBytes) -> AccountId:
    _create_once(path, f"{_digits(random, 12)}\n")
    text = _read_private(path).strip()
    if not _ACCOUNT.fullmatch(text):
        raise UnavailableError(f"{path} does not hold an account id of twelve digits")
    return AccountId(text)


def _key(path: Path, account_id: AccountId, random: RandomBytes) -> AccessKey:
    # Not AKIA: that prefix is Amazon's, and scanners for leaked keys would take ours for theirs.
    key_id = "AKCU" + base64.b32encode(random(10)).decode("ascii")
    secret = base64.b64encode(random(30)).decode("ascii")
    _create_once(path, f"[{PROFILE}]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n")
    _read_private(path)
    found = _read_ini(path)
    key_id = found.get(PROFILE, "aws_access_key_id", fallback="")
    secret = found.get(PROFILE, "aws_secret_access_key", fallback="")
    if not _KEY_ID.fullmatch(key_id) or not _SECRET.fullmatch(secret):
        raise UnavailableError(f"{path} has no usable key in profile {PROFILE}")
    return AccessKey(key_id, secret, account_id)


def _write_config(path: Path, region: str, endpoint_url: str) -> None:
    """Keep region and address of our profile in ``path`` as they are now; other settings in it stay.

    The address is that of our services only: other services of AWS keep theirs (AWS SDKs and Tools Reference Guide,
    "Service-specific endpoints").
    """
    config = _read_ini(path)
    before = {name: dict(config[name]) for name in config.sections()}
    profile, services = f"profile {PROFILE}", f"services {PROFILE}"
    for section in (services, profile):
        if not config.has_section(section):
            config.add_section(section)
    config.set(profile, "region", region)
    config.set(profile, "services", PROFILE)
    config.remove_option(profile, "endpoint_url")
    for service in SERVICES:
        config.set(services, service, f"\nendpoint_url = {endpoint_url}")
    if {name: dict(config[name]) for name in config.sections()} == before:
        return
    text = io.StringIO()
    config.write(text)
    _replace(path, text.getvalue())


def _read_ini(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(default_section="\0")
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        # The parser's message quotes the line, which may be the secret.
        raise UnavailableError(f"{path} is not in the AWS configuration format ({type(error).__name__})") from None
    return parser


def _digits(random: RandomBytes, count: int) -> str:
    """``count`` decimal digits; the bias of the remainder is below 2**-80."""
    return str(int.from_bytes(random(16), "big") % 10**count).zfill(count)


def _read_private(path: Path) -> str:
    """Text of a file of ours that nobody else may read; a mode too wide is narrowed, with a warning."""
    facts = path.stat()
    if facts.st_uid != os.geteuid():
        raise UnavailableError(f"{path} belongs to another user of this machine")
    if stat.S_IMODE(facts.st_mode) & 0o077:
        import structlog  # only here, so that commands that merely read do not wait for it

        structlog.get_logger("custodes.storage").warning("file was open to others; narrowed to 0600", path=str(path))
        path.chmod(0o600)
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UnavailableError(f"{path} is not text") from None


def _create_once(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` unless it exists; of two processes the first wins."""
    if path.exists():
        return
    # Where somebody was faster, theirs stands.
    with suppress(FileExistsError):
        create_durably(path, text.encode())


def _replace(path: Path, text: str) -> None:
    write_durably(path, text.encode())
