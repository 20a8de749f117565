"""Videos that are looked at while they come: pieces in order, an end or a break, and pipes that nobody is left with."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.core.errors import VideoFormatError
from custodes.operations.liveness.incoming import IncomingVideo
from custodes.storage.media.decoder import LockedDecoder
from custodes.storage.media.spool import PrivateSpool
from custodes.video.frames import DecodingPlan
from tests.fakes.live import LiveServer
from tests.fakes.liveness_client import Key, stream
from tests.fakes.waiting import eventually


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=8))
def test_all_pieces_are_read_by_everybody_who_reads(pieces: list[bytes]) -> None:
    video, read = IncomingVideo(), []
    thread = threading.Thread(target=lambda: read.extend(video.pieces()))
    thread.start()
    for piece in pieces:
        video.put(piece)
    assert not video.is_over
    video.end((1.0,), "client")
    thread.join(5)
    assert read == pieces == list(video.pieces())
    assert video.complete().data == b"".join(pieces)
    assert (video.complete().starts_ms, video.complete().client, video.size) == (
        (1.0,), "client", sum(map(len, pieces)),
    )  # fmt: skip
    video.break_off()
    assert video.complete().data == b"".join(pieces)


def test_a_video_that_breaks_off_ends_its_readers_and_is_none() -> None:
    video, ended = IncomingVideo(), []
    video.put(b"piece")
    thread = threading.Thread(target=lambda: ended.append(list(video.pieces())))
    thread.start()
    video.break_off()
    thread.join(5)
    assert ended == [[b"piece"]]
    with pytest.raises(VideoFormatError, match="broke off"):
        video.complete()


def test_frames_come_before_the_video_has_ended(tmp_path: Path, square_video: bytes) -> None:
    video, spool = IncomingVideo(), PrivateSpool(tmp_path)
    half = len(square_video) // 2
    video.put(square_video[:half])
    seen = []
    with spool.piping("session", video.pieces()) as path:
        assert stat.S_ISFIFO(path.stat().st_mode) and path.stat().st_mode & 0o077 == 0
        with LockedDecoder().frames(path, DecodingPlan(frame_rate=15, samples_per_second=15)) as frames:  # type: ignore[arg-type]
            for frame in frames:
                if not seen:
                    assert not video.is_over
                    video.put(square_video[half:])
                    video.end((), "")
                seen.append(frame.ts_ms)
    assert len(seen) == 45 and seen == sorted(seen)
    assert not list((tmp_path / "liveness").iterdir())


def test_a_pipe_that_nobody_opens_or_reads_keeps_no_thread(tmp_path: Path) -> None:
    spool = PrivateSpool(tmp_path)
    for opens in (False, True):
        video = IncomingVideo()
        video.put(bytes(1_000_000))
        with spool.piping("session", video.pieces()) as path:
            if opens:
                os.close(os.open(path, os.O_RDONLY))
        video.end((), "")
    assert eventually(lambda: not [one for one in threading.enumerate() if one.name == "liveness pipe"])


def test_what_a_crash_has_left_is_removed_pipes_too(tmp_path: Path) -> None:
    (tmp_path / "liveness").mkdir()
    os.mkfifo(tmp_path / "liveness" / "left.pipe")
    (tmp_path / "liveness" / "left").write_bytes(b"video of somebody")
    PrivateSpool(tmp_path)
    assert not list((tmp_path / "liveness").iterdir())


def test_a_client_that_leaves_in_the_middle_leaves_nothing(
    live_server: LiveServer, rekognition: object, key: Key, new_session: Callable[..., str], square_video: bytes
) -> None:
    session_id = new_session()
    with stream(live_server.url, key, session_id) as opened:
        asked = opened.challenge()
        opened.information(asked["Type"], VideoStartTimestamp=1)
        opened.send("VideoEvent", chunk(square_video[: len(square_video) // 2]))
        assert eventually(lambda: any(left(live_server)))  # it is being looked at
    client = live_server.client()

    def failed() -> bool:
        return bool(client.get_face_liveness_session_results(SessionId=session_id)["Status"] == "FAILED")

    assert eventually(failed)
    assert eventually(lambda: not any(left(live_server)))


def test_more_checks_than_are_followed_are_judged_all_the_same(
    live_server: LiveServer, key: Key, new_session: Callable[..., str], square_video: bytes
) -> None:
    half = len(square_video) // 2
    opened = []
    try:
        for _ in range(4):
            context = stream(live_server.url, key, new_session())
            one = context.__enter__()
            opened.append((context, one))
            one.challenge()
            one.send("VideoEvent", chunk(square_video[:half]))
        for _, one in opened:
            one.send("VideoEvent", chunk(square_video[half:]))
            one.send("VideoEvent", chunk(b""))
        assert [one.event(60)[0] for _, one in opened] == ["DisconnectionEvent"] * 4
    finally:
        for context, _ in opened:
            context.__exit__(None, None, None)


def chunk(data: bytes) -> dict[str, object]:
    import base64

    return {"VideoChunk": base64.b64encode(data).decode(), "TimestampMillis": 1}


def left(server: LiveServer) -> Iterator[Path]:
    folder = server.data / "liveness"
    return iter(list(folder.iterdir()) if folder.is_dir() else [])
