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
from contextlib import redirect_stdout
from pathlib import Path

from awscli.clidriver import create_clidriver


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
    return re.sub(r"@(\w+)@", lambda found: kept[found[1]], line)


def main(path, address):
    driver = create_clidriver()
    wire, kept = [], {}
    session = driver.session
    session.register(
        "after-call.rekognition", lambda http_response, model, **_: wire.append((http_response.content, model.name))
    )
    known = {name.lower() for name in session.get_service_model("rekognition").operation_names}
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if not line.startswith("aws "):
            continue
        if line.split()[2].replace("-", "") not in known:
            continue
        arguments = shlex.split(filled(line, kept))[1:]
        wire.clear()
        with redirect_stdout(io.StringIO()):
            # Version 2 of before July 2023 takes no address from variables.
            status = driver.main([*arguments, "--endpoint-url", address])
        content, operation = wire[-1] if wire else (b"{}", "")
        answer = json.loads(content)
        kept = {**kept, **scalars(answer)}
        told = {"command": line.strip(), "operation": operation, "status": status, "answer": answer}
        print(json.dumps(told), flush=True)


main(*sys.argv[1:])
