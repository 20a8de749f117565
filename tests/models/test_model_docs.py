"""docs/models.md says what the cards say."""

from __future__ import annotations

from pathlib import Path

from custodes.models.card import load_browser_files, load_cards
from custodes.models.card_table import markdown

PAGE = Path(__file__).parents[2] / "docs" / "models.md"


def test_the_page_is_current():
    assert PAGE.read_text("utf-8") == markdown(load_cards().values(), load_browser_files().values()), (
        "run: custodes models list --markdown > docs/models.md"
    )
