"""Which buckets have an endpoint and keys of their own: a TOML file of the operator's that only he can read.

In: a file with a table for each bucket. Out: where to reach each, with which keys. It asks nothing of any bucket.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.ledger.tlog.note import NoteError
from custodes.ledger.writer.keys import read_secret
from custodes.storage.objects.places import S3Settings

_KEYS = frozenset({"endpoint", "region", "access_key_id", "secret_access_key"})


def bucket_keys(path: Path) -> Mapping[str, S3Settings]:
    """Endpoints by bucket name.

    Raises:
        UnavailableError: it cannot be read, others may read it, or it is spelt wrongly. The message shows no value.
    """
    try:
        tables = tomllib.loads(read_secret(path).decode())
    except NoteError as error:
        raise UnavailableError(str(error)) from error
    except OSError as error:
        raise UnavailableError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UnavailableError(f"{path} is no TOML") from error
    return {bucket: _endpoint(path, bucket, table) for bucket, table in tables.items()}


def _endpoint(path: Path, bucket: str, table: object) -> S3Settings:
    if (
        not isinstance(table, dict)
        or not table.keys() <= _KEYS
        or not all(isinstance(value, str) for value in table.values())
        or not table.get("endpoint")
    ):
        raise UnavailableError(
            f"{path}: {bucket} needs an endpoint, and may have texts named {', '.join(sorted(_KEYS))}"
        )
    return S3Settings(
        table["endpoint"],
        table.get("region", "us-east-1"),
        table.get("access_key_id", ""),
        table.get("secret_access_key", ""),
    )
