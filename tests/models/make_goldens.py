"""Rewrites tests/models/golden from the references: ``python tests/models/make_goldens.py MIRROR CACHE``.

MIRROR is a folder with the archives, CACHE one where tfjs may be installed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from custodes.models.archives import read_members
from custodes.models.card import NO_GOLDEN, load_cards
from custodes.models.sources import Silent, local_tools, obtain
from tests.models import goldens
from tests.models.pictures import golden_input
from tests.models.references import reference


def main(mirror: Path, cache: Path) -> None:
    """Write one file per card."""
    tools = local_tools(os.environ, mirror, Silent())
    for card in load_cards().values():
        if card.golden.startswith(NO_GOLDEN):
            continue
        files = read_members(obtain(card.archive, cache, tools), card.name, card.files)
        goldens.write(card.name, card.golden, reference(card, files, golden_input(card), cache))
        print(card.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
