"""``custodes console``: a link that signs the operator in to the console of the server that runs here."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from custodes.cli.client.administration import ask, is_served
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import show
from custodes.core.errors import UnavailableError


def console(
    data: DataOption = DATA,
    open_browser: Annotated[bool, typer.Option("--open", help="Also open it in this machine's browser.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print a link that signs the operator in to the console, once and within five minutes."""
    from custodes.settings import from_environment
    from custodes.storage.files.credentials import client_environment

    folder = from_environment(data=data).data
    if not is_served(data):
        raise UnavailableError(f"no server runs on {folder}; start one with: custodes serve --data {folder}")
    answer = ask(data, "console link")
    link = client_environment(folder).values["AWS_ENDPOINT_URL_REKOGNITION"] + str(answer["path"])
    show({**answer, "url": link}, link, as_json=as_json)
    if open_browser:
        webbrowser.open(link)
