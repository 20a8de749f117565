"""``custodes job``: work that outlives its request, like the analysis of a stored video: how far it is, and its end.

In: a data directory. Out: jobs of all accounts. A running server is asked; without one the directory is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from custodes.cli.client.administration import ask
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import print_json, print_rows, say, show

app = typer.Typer(help="Watch and end jobs, like analyses of stored videos.", no_args_is_help=True)

JobArgument = Annotated[str, typer.Argument(help="Job id.")]


@app.command("list")
def list_command(
    account: Annotated[str | None, typer.Option("--account", help="Whose. [default: of all accounts]")] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only jobs that are not over.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most jobs to show.")] = 100,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Show jobs, newest first: state, percent, frames a second."""
    jobs = ask(data, "job list", account=account, open_only=open_only, limit=limit)["jobs"]
    if as_json:
        print_json(jobs)
        return
    if not jobs:
        say("no jobs")
    header = ("job", "account", "operation", "state", "done", "frames/s", "since")
    print_rows(
        header,
        [
            (
                job["job_id"],
                job["account"],
                job["operation"],
                job["state"],
                _percent(job),
                _speed(job),
                _time(job["created_ts_ms"]),
            )
            for job in jobs
        ],
    )


@app.command("show")
def show_command(job_id: JobArgument, data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show one job."""
    job = ask(data, "job show", job_id=job_id)
    show(job, _described(job), as_json=as_json)


@app.command("cancel")
def cancel_command(
    job_id: JobArgument,
    reason: Annotated[str | None, typer.Option(help="What its account reads as the reason.")] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """End an open job. It fails; what it has charged so far stays charged."""
    job = ask(data, "job cancel", job_id=job_id, reason=reason)
    show(job, f"{job_id}: {job['error']}", as_json=as_json)


def _described(job: Mapping[str, Any]) -> str:
    total = job["frames_total"]
    lines = [
        f"{job['operation']} of account {job['account']}: {job['state']}",
        f"frames    {job['frames']}{'' if total is None else f' of {total}'} ({_percent(job) or 'no percentage yet'})",
        f"speed     {_speed(job) or '-'} frames a second, up to the last part that was kept",
        f"begun     {_time(job['created_ts_ms'])}, attempt {job['attempt']}",
    ]
    if job["finished_ts_ms"] is not None:
        lines.append(f"over      {_time(job['finished_ts_ms'])}")
    return "\n".join([*lines, f"failed    {job['error']}"] if job["error"] else lines)


def _percent(job: Mapping[str, Any]) -> str:
    return "" if job["percent"] is None else f"{job['percent']:.0f} %"


def _speed(job: Mapping[str, Any]) -> str:
    return "" if job["frames_per_second"] is None else f"{job['frames_per_second']:.0f}"


def _time(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
