"""``custodes review``: results that two persons have to confirm, looked at and decided. Asks a running server.

In: a reviewer's own credentials, found as AWS clients find them. Out: reviews as text or JSON. A reviewer sees who was
found and, where the search was by picture, the face that was searched for.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from custodes.cli.options import DATA, DataPlaceOption, EndpointOption, JsonOption
from custodes.cli.output import show

app = typer.Typer(help="Look at search results that two persons have to confirm, and decide.", no_args_is_help=True)

ReviewArgument = Annotated[str, typer.Argument(help="A review's id, or a token of an answer.", show_default=False)]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept with the review.")]
PictureOption = Annotated[Path | None, typer.Option("--picture", help="Write the face that was searched for here.")]


@app.command("list")
def list_command(data: DataPlaceOption = DATA, endpoint: EndpointOption = None, as_json: JsonOption = False) -> None:
    """Show the account's reviews, oldest first."""
    from custodes.cli.client.connection import signed_client

    client, found, after = signed_client(data, endpoint), [], ""
    while True:
        value = client.get("", {"after": after} if after else {})
        found += value["reviews"]
        after = value.get("next", "")
        if not after:
            break
    show(found, "\n".join(_line(review) for review in found), as_json=as_json)


@app.command("show")
def show_command(
    review: ReviewArgument,
    picture: PictureOption = None,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one review: to reviewers with the candidates, to whoever searched only once it is released."""
    from custodes.cli.client.connection import signed_client

    value = signed_client(data, endpoint).get(f"/{review}", {})
    if picture is not None and "picture" in value:
        picture.write_bytes(b64decode(value["picture"]))
    _show(value, as_json=as_json)


@app.command("confirm")
def confirm_command(
    review: ReviewArgument,
    reason: ReasonOption = "",
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that you have verified the identification and found it right."""
    _post(review, "confirm", reason, data, endpoint, as_json=as_json)


@app.command("reject")
def reject_command(
    review: ReviewArgument,
    reason: ReasonOption = "",
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that the identification must not be used; what was held back is destroyed."""
    _post(review, "reject", reason, data, endpoint, as_json=as_json)


@app.command("release")
def release_command(
    review: ReviewArgument, data: DataPlaceOption = DATA, endpoint: EndpointOption = None, as_json: JsonOption = False
) -> None:
    """Get the result of a review that two persons have confirmed."""
    _post(review, "release", "", data, endpoint, as_json=as_json)


def _post(review: str, verb: str, reason: str, data: Path | None, endpoint: str | None, *, as_json: bool) -> None:
    from custodes.cli.client.connection import signed_client

    members = {"reason": reason} if reason else {}
    _show(signed_client(data, endpoint).post(f"/{review}/{verb}", members), as_json=as_json)


def _show(parsed: Mapping[str, Any], *, as_json: bool) -> None:
    lines = [_line(parsed)]
    for candidate in parsed["candidates"]:
        name = candidate.get("external_image_id") or candidate.get("user_id") or candidate.get("face_id")
        lines.append(f"  {candidate['similarity']:7.3f}  {name or ('erased' if not parsed['sealed'] else 'sealed')}")
    for vote in parsed["votes"]:
        lines.append(f"  {vote['decision']} by {vote['reviewer']} {_time(vote['ts_ms'])}  {vote['reason']}".rstrip())
    show(parsed, "\n".join(lines), as_json=as_json)


def _line(review: Mapping[str, Any]) -> str:
    return (
        f"{review['review_id']}  {review['state']:<9}  {review['operation']} in {review['collection_id']} "
        f"by {review['requester']}  {_time(review['created_ts_ms'])}"
    )


def _time(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
