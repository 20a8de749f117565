"""Videos of running jobs as files in the data directory: fetched once, kept while the job lives.

In: an object of a bucket in the version that a job was started for. Out: a file. A file is complete or not there: it is
written under another name and renamed. What is left of jobs that are over is removed when it is looked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.jobs.job import JobId
from custodes.operations.images.ports import S3Object
from custodes.operations.video.ports import LargeObjects, ObjectVersion
from custodes.video.formats.facts import VideoFacts, VideoLimits
from custodes.video.formats.structure import read_structure

FOLDER = "media"
_PARTIAL = ".partial"


class MediaFiles:
    """Implements ``VideoObjects``."""

    def __init__(self, data: Path, objects: LargeObjects) -> None:
        """Keep files under ``data``; read ``objects``."""
        self._folder = data / FOLDER
        self._objects = objects

    def version(self, source: S3Object) -> ObjectVersion:
        """See VideoObjects."""
        return self._objects.version(source)

    def obtain(self, job_id: JobId, source: S3Object, version: ObjectVersion) -> Path:
        """See VideoObjects."""
        path = self._folder / job_id
        if path.is_file() and path.stat().st_size == version.size_bytes:
            return path
        partial = path.with_suffix(_PARTIAL)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                self._objects.copy(source, version, out)
                out.flush()
                os.fsync(out.fileno())  # so that a file of this name and length is whole
            partial.replace(path)
        except OSError as error:
            raise UnavailableError("The video could not be stored for its analysis.") from error
        finally:
            partial.unlink(missing_ok=True)
        return path

    def drop(self, job_id: JobId) -> None:
        """See VideoObjects."""
        (self._folder / job_id).unlink(missing_ok=True)

    def remove_unless(self, is_open: Callable[[JobId], bool]) -> None:
        """Remove files of jobs that are over, or that nobody knows."""
        if self._folder.is_dir():
            for path in list(self._folder.iterdir()):
                if not is_open(JobId(path.name.removesuffix(_PARTIAL))):
                    path.unlink(missing_ok=True)


class _FileSource:
    """A ByteSource over a file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size

    def read(self, offset: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, offset)


class StructureProbe:
    """Implements ``VideoProbe``."""

    def __init__(self, limits: VideoLimits) -> None:
        """Refuse what is beyond ``limits``."""
        self._limits = limits

    def facts(self, path: Path) -> VideoFacts:
        """See VideoProbe."""
        with path.open("rb") as file:
            return read_structure(_FileSource(file.fileno()), self._limits)
