"""Runs command lines of the AWS CLI, version 1 or 2, in one process of whatever Python has it.

In: a file of command lines, the address of a server; keys in the environment. Out: a JSON line for each that this
version knows: the command, the operation, the exit status and what the server sent, before the client drops what it
does not know.
"""

import io
import json
import re
import shlex
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

from awscli.clidriver import create_clidriver

NAME = re.compile(r"@([\w:]+)@")


def scalars(value):
    """Texts by name, the first of each."""
    found = {}
    if isinstance(value, dict):
        found = {name: one for name, one in value.items() if isinstance(one, str)}
        for one in value.values():
            found.update(scalars(one))
    elif isinstance(value, list):
        for one in reversed(value):
            found.update(scalars(one))
    return found


def filled(line, kept):
    """``line`` with what earlier answers had under the names in it."""
    return NAME.sub(lambda found: kept[found[1]], line)


def steps(path):
    """The command lines, each with the pattern that its answer has to have, which may be empty."""
    found = []
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith("aws "):
            found.append((line, ""))
        elif line.startswith("# until "):
            found[-1] = (found[-1][0], line.removeprefix("# until "))
    return found


def main(path, address):
    driver = create_clidriver()
    wire, kept = [], {}
    session = driver.session
    session.register(
        "after-call.rekognition", lambda http_response, model, **_: wire.append((http_response.content, model.name))
    )
    known = {name.lower() for name in session.get_service_model("rekognition").operation_names} | {"wait"}
    for line, expected in steps(path):
        if line.split()[2].replace("-", "") not in known or any(name not in kept for name in NAME.findall(line)):
            continue
        end = time.monotonic() + 60
        while True:
            wire.clear()
            with redirect_stdout(io.StringIO()):
                # Version 2 of before July 2023 takes no address from variables.
                status = driver.main([*shlex.split(filled(line, kept))[1:], "--endpoint-url", address])
            content, operation = wire[-1] if wire else (b"{}", "")
            if re.search(expected.encode(), content) or time.monotonic() > end:
                break
            time.sleep(0.1)
        answer = json.loads(content)
        found = scalars(answer)
        kept = {**{f"{name}:first": value for name, value in found.items()}, **kept, **found}
        told = {"command": line.strip(), "operation": operation, "status": status, "answer": answer}
        print(json.dumps(told), flush=True)


main(*sys.argv[1:])
