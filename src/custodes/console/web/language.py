"""What pages say, in English, German and French. In: the name of a message. Out: its text, which is no markup.

Messages are in ``messages/*.toml``, a file for each subject: ``NAME = ["English", "German", "French"]``. Errors have a
sentence for each kind; what exactly was wrong comes from operations and stays English.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "de", "fr")
NAMES = {"en": "English", "de": "Deutsch", "fr": "Français"}
_FOLDER = Path(__file__).parents[1] / "messages"


@cache
def catalogue() -> Mapping[str, tuple[str, ...]]:
    """Every message by ``SUBJECT.NAME``: its texts in the order of ``LANGUAGES``."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        for name, texts in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found[f"{path.stem}.{name}"] = tuple(texts)
    return found


@dataclass(frozen=True, slots=True)
class Words:
    """Messages in one language."""

    language: str = "en"

    def __call__(self, name: str, **values: object) -> str:
        """The text of message ``name`` with ``values`` in their places. Raises KeyError for an unknown name."""
        text = catalogue()[name][LANGUAGES.index(self.language)]
        return text.format(**values) if values else text

    def has(self, name: str) -> bool:
        """Whether there is a message of this name."""
        return name in catalogue()


def preferred(accepted: str) -> str:
    """The language of ours that a browser's Accept-Language header names first; English when it names none."""
    for item in accepted.split(","):
        code = item.partition(";")[0].strip().lower()[:2]
        if code in LANGUAGES:
            return code
    return LANGUAGES[0]
