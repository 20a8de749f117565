"""Reports of a confidential virtual machine from its processor, over the folder that Linux has for them.

In: 64 bytes to be reported over. Out: the report of AMD SEV-SNP. Others (TDX) are refused: nothing here checks them.
Source: Linux, Documentation/ABI/testing/configfs-tsm-report.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from custodes.core.errors import UnavailableError

_PROVIDER = "sev_guest"


class TsmReports:
    """``operations.record.attestation.Machine`` over ``/sys/kernel/config/tsm/report``."""

    def __init__(self, folder: Path) -> None:
        """Ask in ``folder``."""
        self._folder = folder

    def report(self, data: bytes) -> bytes:
        """See Machine."""
        place = self._folder / f"custodes-{secrets.token_hex(8)}"
        try:
            place.mkdir()
            try:
                return _report(place, data)
            finally:
                place.rmdir()
        except OSError as error:
            raise UnavailableError(f"this machine's processor gives no report in {self._folder}: {error}") from error


def _report(place: Path, data: bytes) -> bytes:
    provider = (place / "provider").read_text("ascii").strip()
    if provider != _PROVIDER:
        raise UnavailableError(f"reports of {provider} are not read; they have to be of {_PROVIDER}")
    (place / "inblob").write_bytes(data)
    return (place / "outblob").read_bytes()
