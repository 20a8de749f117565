"""What was found in a video as one HTML page: a time line, the best pictures, when everything is seen.

In: findings, a time line's picture, stills. Out: HTML text without scripts and without anything to fetch.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape

import PIL.Image

from custodes.cli.video.findings import Row, VideoFindings, clock

_STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; color: #1a1a1a; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; font-weight: 600; margin: 0 0 .2rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; }
p.sub { color: #555; margin: 0 0 1.5rem; } img { max-width: 100%; height: auto; }
.stills { display: grid; grid-template-columns: repeat(auto-fill, minmax(12rem, 1fr)); gap: 1rem; }
figure { margin: 0; } figure img { border-radius: 4px; background: #eee; }
figcaption { font-size: .85rem; color: #444; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .35rem .6rem .35rem 0;
border-bottom: 1px solid #ddd; vertical-align: top; font-variant-numeric: tabular-nums; }
th { font-size: .85rem; color: #555; } .swatch { display: inline-block; width: .7rem; height: .7rem; }
"""
_SPANS_TOLD = 12
_LINE_TEXT = "A bar for each stretch of time in which something is seen; the table below has them in words."


def report(title: str, facts: Sequence[str], findings: VideoFindings, pictures: Mapping[str, PIL.Image.Image]) -> str:
    """The page.

    Args:
        title: of the page, like a file's name.
        facts: about the video, for people.
        findings: what was found.
        pictures: ``timeline``, and a still for each row that has one, by ``row:NAME``.
    """
    line = pictures.get("timeline")
    shown = [row for row in findings.rows if f"row:{row.name}" in pictures]
    stills = "".join(_figure(row, pictures[f"row:{row.name}"]) for row in shown)
    rows = "".join(_table_row(row) for row in findings.rows)
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>
<style>{_STYLE}</style></head>
<body>
<h1>{escape(title)}</h1>
<p class="sub">{escape(" · ".join(facts))}</p>
<h2>Time line</h2>
{"" if line is None else _image(line, _LINE_TEXT, "PNG")}
{f'<h2>Best pictures</h2><div class="stills">{stills}</div>' if stills else ""}
<h2>When</h2>
<table><thead><tr><th>what</th><th>in all</th><th>from and to</th></tr></thead><tbody>{rows}</tbody></table>
</body>
</html>
"""


def _figure(row: Row, still: PIL.Image.Image) -> str:
    when = "" if row.best is None else clock(row.best.ts_ms)
    caption = f"{row.name}, at {when}"
    return f"<figure>{_image(still, caption, 'JPEG')}<figcaption>{escape(caption)}</figcaption></figure>"


def _table_row(row: Row) -> str:
    told = ", ".join(f"{clock(start)} to {clock(end)}" for start, end in row.spans[:_SPANS_TOLD])
    more = f" and {len(row.spans) - _SPANS_TOLD} more" if len(row.spans) > _SPANS_TOLD else ""
    swatch = f'<span class="swatch" style="background: rgb{row.colour}"></span>'
    return f"<tr><td>{swatch} {escape(row.name)}</td><td>{row.seen_ms / 1000:.1f} s</td><td>{told}{more}</td></tr>"


def _image(picture: PIL.Image.Image, text: str, kind: str) -> str:
    data = io.BytesIO()
    picture.save(data, kind)
    source = f"data:image/{kind.lower()};base64,{base64.b64encode(data.getvalue()).decode()}"
    return f'<img src="{source}" alt="{escape(text)}">'
