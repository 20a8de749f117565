"""Where the ledger's last checkpoint is kept in a second place.

In: settings, the open database. Out: an anchor, or None. An object goes before a file, a file before the database.
"""

from __future__ import annotations

from custodes.core.ids import AccountId
from custodes.deployment.storage.s3_places import s3_place
from custodes.ledger.writer.ports import Anchor
from custodes.settings import Settings
from custodes.storage.ledger.anchor import FileAnchor
from custodes.storage.sql.database import Database


def open_anchor(settings: Settings, operator: AccountId, database: Database | None) -> Anchor | None:
    """The anchor of a data directory's ledger; ``database`` where it is open and may serve for it.

    Raises:
        InvalidParameterError: the setting names no object, or no endpoint is set.
    """
    if settings.ledger_anchor_object:
        return _object(settings)
    if settings.ledger_anchor is not None:
        return FileAnchor(settings.ledger_anchor)
    if settings.database and database is not None:
        from custodes.storage.ledger.sql_anchor import SqlAnchor

        return SqlAnchor(database, operator)
    return None


def _object(settings: Settings) -> Anchor:
    from custodes.storage.objects.s3 import endpoint_of
    from custodes.storage.objects.s3_anchor import S3Anchor

    place = s3_place(settings, "ledger_anchor_object")
    return S3Anchor(endpoint_of(place.s3), place.bucket, place.key)
