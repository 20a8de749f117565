"""``python tests/fakes/forking.py SOCKET``: programs of the tests as processes of their own that start at once.

In: a Unix socket; who connects sends the path of a program, its arguments, folder and environment as JSON, and with it
the file for the output. Out: the number of a process that runs it, and, when it has ended, its status. What a server
reads is read once, before, and every process is forked from that. Apart from that it is a whole process: killed,
stopped and waited for like any other. This program ends when nobody holds its standard input open any more.
"""

from __future__ import annotations

import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

# What a server reads when it starts, before any is forked.
import alembic.command
import alembic.config
import alembic.runtime.migration
import alembic.script
import uvicorn.loops.auto
import uvicorn.protocols.http.auto

import custodes.cli.server.listener
import custodes.cli.server.logs
import custodes.deployment.nodes.node
import custodes.deployment.server

_READ = (alembic, custodes, uvicorn)


def main() -> None:
    """Fork for everybody who connects, until standard input ends; in what was forked, be the program and return."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever waits below is waited for by nobody
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, selectors.DefaultSelector() as selector:
        listener.bind(sys.argv[1])
        listener.listen()
        print("listening", flush=True)
        selector.register(listener, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while all(key.fileobj is listener for key, _ in selector.select()):
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                return _watched(connection)
            connection.close()
        return None


def _watched(connection: socket.socket) -> None:
    """Fork the program that was asked for; the parent tells of it and ends, the other becomes it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asked, files, _, _ = socket.recv_fds(connection, 1 << 20, 1)
    pid = os.fork()
    if pid:
        os.close(files[0])
        connection.sendall(f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    connection.close()
    wanted = json.loads(asked)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(os.open(os.devnull, os.O_RDWR), 2)
    os.dup2(files[0], 1)
    os.close(files[0])
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    if wanted["apart"]:
        os.setsid()
    sys.argv = [wanted["program"], *wanted["arguments"]]
    os._exit(_status_of(wanted["program"]))


def _status_of(program: str) -> int:
    """What ``program`` ends with. Libraries are not taken down after it: their threads stayed where it was forked."""
    status: object = 0
    try:
        runpy.run_path(program, run_name="__main__")
    except SystemExit as ended:
        status = ended.code
    finally:
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
        sys.stdout.flush()
    return status if isinstance(status, int) else int(status is not None)


if __name__ == "__main__":
    main()
