"""The ``custodes`` command as its users type it, carried out in this process, because a new one is slow to start.

In: words and variables. Out: status and both outputs. Command line, border for errors and environment are the real
ones; how a process begins and dies is for tests that start one.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from subprocess import CompletedProcess

import structlog

from custodes.cli.main import run


def custodes(*words: object, variables: Mapping[str, str] | None = None) -> CompletedProcess[str]:
    """Carry ``custodes words...`` out; ``variables`` are its whole environment, None for that of this process."""
    typed = ["custodes", *map(str, words)]
    out, err = _stream(), _stream()
    with _process(typed, out, err, os.environ if variables is None else variables):
        try:
            run()
            status = 0
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return CompletedProcess(typed, status, _text(out), _text(err))


@contextmanager
def _process(
    typed: list[str], out: io.TextIOWrapper, err: io.TextIOWrapper, variables: Mapping[str, str]
) -> Iterator[None]:
    before = sys.argv, sys.stdin, sys.stdout, sys.stderr
    environment, logging = dict(os.environ), structlog.get_config()
    # A server in this process goes on to log meanwhile; that is no output of the command.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    sys.argv, sys.stdin, sys.stdout, sys.stderr = typed, _stream(), out, err
    _set_environment({**variables})
    try:
        yield
    finally:
        sys.argv, sys.stdin, sys.stdout, sys.stderr = before
        _set_environment(environment)
        structlog.configure(**logging)


def _set_environment(variables: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()
