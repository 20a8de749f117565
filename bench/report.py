"""BENCHMARKS.md, one section per subject.

In: measured rows. Out: the section replaced in place, the others untouched.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "BENCHMARKS.md"
_HEAD = """# Benchmarks

Every figure below was measured by the command named above it and written by that command. `make bench` runs all of them
(an hour on two cores); one subject: `.venv/bin/python bench/SUBJECT.py`. Machines are noisy: trust ratios taken side by
side in one run more than single times. How figures went from commit to commit: [a picture](docs/bench-history.svg).
"""


@dataclass(frozen=True, slots=True)
class Section:
    """One subject: a key for the markers, a title, the command that yields it, and Markdown text."""

    key: str
    title: str
    command: str
    text: str


def machine() -> str:
    """Processor and cores, as the operating system names them."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text())
        model = found.group(1).strip() if found else model
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def write(section: Section, page: Path = PAGE) -> None:
    """Put ``section`` into the page, in place of its former self or at the end."""
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    body = (
        f"<!-- {section.key} -->\n## {section.title}\n\n`{section.command}`, {today}, {machine()}\n\n"
        f"{section.text.strip()}\n<!-- /{section.key} -->"
    )
    text = page.read_text(encoding="utf-8") if page.exists() else _HEAD
    pattern = re.compile(f"<!-- {section.key} -->.*?<!-- /{section.key} -->", re.DOTALL)
    text = pattern.sub(lambda _: body, text) if pattern.search(text) else text.rstrip() + "\n\n" + body + "\n"
    page.write_text(text, encoding="utf-8")


def tell(found: object, section: Callable[[], Section], *, as_json: bool) -> None:
    """Print what was measured as JSON and write nothing, or write and print the section that is made of it."""
    if as_json:
        print(json.dumps(found, indent=1))
        return
    made = section()
    write(made)
    print(made.text)
