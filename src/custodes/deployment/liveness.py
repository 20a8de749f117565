"""Face liveness over a data directory: sessions, the room for videos, buckets, and their end.

In: settings and opened rooms. Out: what the use cases need, and the schedule that destroys what is old. Nothing is
decided here.
"""

from __future__ import annotations

import os
import uuid
from functools import partial

from custodes.core.clock import Clock
from custodes.edge.endpoints.browser_files import BrowserFileStore
from custodes.engine.ports import FaceEngine
from custodes.jobs.schedule import HOUR_MS, Schedule
from custodes.liveness.challenge import Randomness
from custodes.models.card import load_browser_files
from custodes.models.store import ModelStore
from custodes.operations.images.ports import ObjectWriter
from custodes.operations.liveness.analysis import VideoLook
from custodes.operations.liveness.ports import LivenessSessions
from custodes.operations.liveness.use_cases import LivenessAdapters
from custodes.settings import Settings
from custodes.storage.media.decoder import LockedDecoder
from custodes.storage.media.spool import PrivateSpool
from custodes.storage.sql.database import Database
from custodes.storage.sql.liveness.sessions import SqlLivenessSessions
from custodes.storage.sql.master import open_master
from custodes.video.formats.boxes import BytesInMemory
from custodes.video.formats.facts import VideoFacts, VideoLimits
from custodes.video.formats.structure import read_structure

_LIMITS = VideoLimits(max_bytes=10 * 1024 * 1024, max_duration_ms=120_000, max_side_px=1920, max_tracks=4)
_DAY_MS = 86_400_000


def open_liveness(
    settings: Settings,
    database: Database,
    engine: FaceEngine,
    output: ObjectWriter,
    clock: Clock,
    randomness: Randomness,
) -> LivenessAdapters:
    """What face liveness works on; challenges are drawn from ``randomness``."""
    return LivenessAdapters(
        SqlLivenessSessions(database, open_master(database, settings.data, os.urandom)),
        PrivateSpool(settings.data),
        output,
        VideoLook(engine, _structure, LockedDecoder()),
        clock,
        lambda: str(uuid.uuid4()),
        randomness,
    )


def schedule_liveness(sessions: LivenessSessions, clock: Clock, days: int) -> Schedule:
    """Destroys sessions with all that they hold."""
    return Schedule("old liveness sessions", HOUR_MS, partial(_sweep, sessions, clock, days), at_start=True)


def browser_files(settings: Settings) -> BrowserFileStore:
    """What the component loads from this server."""
    store = ModelStore(settings.models_folder)
    return BrowserFileStore(lambda: [store.path(files) for files in load_browser_files().values()])


def _structure(data: bytes) -> VideoFacts:
    return read_structure(BytesInMemory(data), _LIMITS)


def _sweep(sessions: LivenessSessions, clock: Clock, days: int) -> bool:
    sessions.remove_before(clock.now_ms() - days * _DAY_MS)
    return False
