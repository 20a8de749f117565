"""TensorFlow.js files that were wrapped into JavaScript modules: the one literal that each exports.

In: the text of a minified module bundle whose only export is data, as ``nsfwjs`` ships its models. Out: the same bytes
that plain ``model.json`` and weight shards would be. The text is read as a literal, never run; anything but numbers,
strings, lists, objects and the minifier's ``!0``, ``!1`` and ``void 0`` is refused.
"""

from __future__ import annotations

import base64
import binascii
import json
import re

from custodes.models.importers.failure import ImportFailedError

_LIMIT = 16 << 20
_EXPORT = re.compile(r"\b\w+\.exports=(?=[{\"'])")
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"""
    r"""|(?P<constant>!0|!1|void 0|null|true|false)"""
    r"""|(?P<name>[A-Za-z_$][\w$]*)"""
    r"""|(?P<mark>[{}\[\]:,]))"""
)
_CONSTANTS = {"!0": "true", "!1": "false", "void 0": "null"}


def unwrapped(data: bytes) -> bytes:
    """The JSON text of an exported object, or the decoded bytes of an exported base64 string.

    Raises:
        ImportFailedError: no such module, or it exports something else.
    """
    if len(data) > _LIMIT:
        raise ImportFailedError("tfjs module is too large")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ImportFailedError("tfjs module is not text") from error
    # The wrapper around the literal also sets exports, but never to a literal.
    found = _EXPORT.search(text)
    if found is None:
        raise ImportFailedError("tfjs module exports no data")
    if text[found.end()] == "{":
        return _json(text, found.end()).encode()
    token = _TOKEN.match(text, found.end())
    try:
        return base64.b64decode(token["string"][1:-1], validate=True) if token else b""
    except (binascii.Error, TypeError, ValueError) as error:
        raise ImportFailedError("tfjs module exports no base64") from error


def _json(text: str, start: int) -> str:
    """The object literal at ``start`` spelled as JSON."""
    parts: list[str] = []
    depth, at = 0, start
    while True:
        token = _TOKEN.match(text, at)
        if token is None:
            raise ImportFailedError(f"tfjs module: no literal at character {at}")
        at = token.end()
        kind, value = str(token.lastgroup), token[str(token.lastgroup)]
        parts.append(_spelled(kind, value))
        if kind == "mark":
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(value, 0)
        if depth == 0:
            return "".join(parts)


def _spelled(kind: str, value: str) -> str:
    if kind == "string":
        inner = value[1:-1]
        return json.dumps(json.loads(f'"{inner}"')) if value[0] == '"' else json.dumps(inner.replace("\\'", "'"))
    if kind == "number":
        sign, digits = ("-", value[1:]) if value.startswith("-") else ("", value)
        return sign + re.sub(r"\.(?=$|[eE])", "", f"0{digits}" if digits.startswith(".") else digits)
    if kind == "constant":
        return _CONSTANTS.get(value, value)
    return json.dumps(value) if kind == "name" else value
