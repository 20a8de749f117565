"""The readers/writer lock: exclusion, sharing, and that neither side starves."""

from __future__ import annotations

import threading
import time

from custodes.gallery.lock import ReadWriteLock


def test_readers_share_and_writers_do_not() -> None:
    lock, inside = ReadWriteLock(), threading.Barrier(3, timeout=10)

    def read() -> None:
        with lock.read():
            inside.wait()  # only passes when all three are inside at once

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not inside.broken


def test_a_counter_behind_it_loses_nothing_and_no_reader_sees_half() -> None:
    lock, state, torn = ReadWriteLock(), [0, 0], []

    def write() -> None:
        for _ in range(300):
            with lock.write():
                state[0] += 1
                time.sleep(0)
                state[1] += 1

    def read() -> None:
        for _ in range(300):
            with lock.read():
                if state[0] != state[1]:
                    torn.append(tuple(state))

    threads = [threading.Thread(target=work) for work in (write, read, write, read, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert state == [600, 600]
    assert not torn


def test_a_writer_gets_in_between_readers_that_never_pause() -> None:
    lock, stop, written = ReadWriteLock(), threading.Event(), threading.Event()

    def read() -> None:
        while not stop.is_set():
            with lock.read():
                time.sleep(0.001)

    def write() -> None:
        with lock.write():
            written.set()

    readers = [threading.Thread(target=read) for _ in range(4)]
    for thread in readers:
        thread.start()
    writer = threading.Thread(target=write)
    writer.start()
    assert written.wait(10)
    stop.set()
    for thread in (*readers, writer):
        thread.join(10)


def test_a_reader_gets_in_between_writers_that_never_pause() -> None:
    lock, stop, seen = ReadWriteLock(), threading.Event(), threading.Event()

    def write() -> None:
        while not stop.is_set():
            with lock.write():
                time.sleep(0.001)

    def read() -> None:
        with lock.read():
            seen.set()

    writers = [threading.Thread(target=write) for _ in range(4)]
    for thread in writers:
        thread.start()
    reader = threading.Thread(target=read)
    reader.start()
    assert seen.wait(10)
    stop.set()
    for thread in (*writers, reader):
        thread.join(10)
