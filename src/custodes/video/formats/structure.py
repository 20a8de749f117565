"""Which structure a video file has: MP4 and MOV as the API documents, and three more that the decoder reads.

In: a source of bytes, limits. Out: ``VideoFacts`` within the limits, or a typed refusal. Nothing but these four
reaches a decoder, whatever else it could read.
"""

from __future__ import annotations

from custodes.core.errors import VideoFormatError
from custodes.video.formats.avi import is_avi, read_avi
from custodes.video.formats.boxes import ByteSource
from custodes.video.formats.facts import VideoFacts, VideoLimits
from custodes.video.formats.matroska import MAGIC, read_matroska
from custodes.video.formats.mp4 import check_limits, is_mp4, read_container, too_many_bytes


def read_structure(source: ByteSource, limits: VideoLimits) -> VideoFacts:
    """Facts of the file in ``source``.

    Raises:
        VideoTooLargeError: more bytes or a longer time than ``limits`` allow.
        VideoFormatError: none of the formats, or damaged, or beyond another limit.
    """
    if source.size > limits.max_bytes:
        raise too_many_bytes(source.size, limits)
    if is_mp4(source) or limits.strict:
        return read_container(source, limits)
    if source.read(0, 4) == MAGIC:
        facts = read_matroska(source, limits)
    elif is_avi(source):
        facts = read_avi(source, limits)
    else:
        raise VideoFormatError("The video is not an MP4, MOV, WebM, MKV or AVI file.")
    check_limits(facts, limits)
    return facts
