"""Files that have to last are written in one place; each other place that writes has its reason here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src/custodes"
ALLOWED = {
    "durable.py": "the one place",
    "client.py": "receipts that a caller keeps of his own use",
    "cli": "output that the user asked for, made again by the same command",
    "edge/endpoints/administration.py": "a link to its socket, made anew at each start",
    "ledger/prover/verifier_zipapp.py": "output that the user asked for",
    "ledger/witness/state_file.py": "opens its lock",
    "models/sources.py": "downloads that can be made again, checked by their digests",
    "models/store.py": "opens its lock",
    "storage/backup": "files of a new folder, synced together before the one that says they are all there is written",
    "storage/files/directory.py": "opens its lock",
    "storage/files/list_download.py": "a download that can be made again",
    "storage/files/machine_report.py": "a question to the kernel, which is no file",
    "storage/files/uploads.py": "a link to a file of the user's, made again by the same command",
    "storage/ledger/anchor.py": "opens its lock",
    "storage/ledger/bodies.py": "slots that are overwritten in place, so that a salt can be destroyed",
    "storage/files/documents.py": "content at the end of a file, synced",
    "storage/ledger/journal.py": "records at the end of a segment, each with one fdatasync",
    "storage/ledger/shared_tiles.py": "opens its lock",
    "storage/media/files.py": "a copy of an object that can be fetched again",
    "storage/media/spool.py": "a video for as long as it is looked at, never read again",
    "storage/sql": "makes an empty database with its mode",
}
_CALLS = {"write_bytes", "write_text", "fsync", "fdatasync", "hardlink_to", "symlink_to", "mkstemp"}


def _writes(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        texts += [kw.value.value for kw in node.keywords if kw.arg == "mode" and isinstance(kw.value, ast.Constant)]
        is_mode = any(set(str(text)) <= set("wax+bt") and set(str(text)) & set("wax+") for text in texts)
        flags = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
        opens = name == "open" and (is_mode or flags & {"O_CREAT", "O_WRONLY", "O_RDWR"})
        owner = getattr(node.func.value, "id", "path") if isinstance(node.func, ast.Attribute) else ""
        # Path.replace and Path.rename take one argument, str.replace two.
        moves = name in ("replace", "rename") and len(node.args) == 1 and owner not in ("", "dataclasses")
        moves = moves or (owner == "os" and name in ("link", "rename", "replace"))
        if name in _CALLS or opens or moves:
            yield node.lineno


def _found() -> dict[str, list[int]]:
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        lines = list(_writes(ast.parse(path.read_text(encoding="utf-8"))))
        if lines:
            found[path.relative_to(SOURCE).as_posix()] = lines
    return found


def _reason(path: str) -> str | None:
    return next((key for key in ALLOWED if path == key or path.startswith(f"{key}/")), None)


def test_durable_files_are_written_in_one_place() -> None:
    outside = {path: lines for path, lines in _found().items() if _reason(path) is None}
    assert not outside, "use custodes.durable, or give the reason in this file"


def test_every_reason_is_still_needed() -> None:
    assert {_reason(path) for path in _found()} >= set(ALLOWED)


def test_the_search_finds_what_it_is_for() -> None:
    for text in ("path.open('wb')", "open(p, mode='a')", "os.open(p, os.O_CREAT)", "a.replace(b)", "p.write_text(s)"):
        assert list(_writes(ast.parse(text))), text
    for text in ("path.open('rb')", "'a'.replace('b', 'c')", "os.open(p, os.O_RDONLY)", "dataclasses.replace(x, y=1)"):
        assert not list(_writes(ast.parse(text))), text
