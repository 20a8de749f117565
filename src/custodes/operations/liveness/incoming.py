"""A video while it is being received: one side puts pieces in as they arrive, another takes them out on a thread.

In: pieces, then an end or a break. Out: the same pieces, waited for, and the whole. It holds all of the video until it
is dropped: whoever receives it says how much that may be.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from custodes.core.errors import VideoFormatError


@dataclass(frozen=True, slots=True)
class ReceivedVideo:
    """What came over a stream.

    Attributes:
        data: the video file.
        starts_ms: times of the video at which the client says that colours began.
        client: what it says that it is.
    """

    data: bytes = field(repr=False)
    starts_ms: tuple[float, ...] = ()
    client: str = ""


class IncomingVideo:
    """Safe to be filled by one thread and read by others."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._changed = threading.Condition()
        self._pieces: list[bytes] = []
        self._size = 0
        self._over = False
        self._received: ReceivedVideo | None = None

    def put(self, piece: bytes) -> None:
        """One more piece."""
        with self._changed:
            self._pieces.append(piece)
            self._size += len(piece)
            self._changed.notify_all()

    def end(self, starts_ms: tuple[float, ...], client: str) -> None:
        """All of it has come."""
        with self._changed:
            self._received = ReceivedVideo(b"".join(self._pieces), starts_ms, client)
            self._over = True
            self._changed.notify_all()

    def break_off(self) -> None:
        """No more will come, and what came is not all. Harmless after the end."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._size

    @property
    def is_over(self) -> bool:
        """Whether no more will come."""
        return self._over

    def pieces(self) -> Iterator[bytes]:
        """All pieces from the first, each as soon as it is there; they end with the video or where it breaks off."""
        at = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda at=at: self._over or len(self._pieces) > at)  # type: ignore[misc]
                if len(self._pieces) <= at:
                    return
                piece = self._pieces[at]
            at += 1
            yield piece

    def complete(self) -> ReceivedVideo:
        """The whole, once it is there.

        Raises:
            VideoFormatError: it broke off.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._over)
            if self._received is None:
                raise VideoFormatError("The video broke off.")
            return self._received
