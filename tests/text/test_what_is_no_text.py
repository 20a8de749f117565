"""What a reading must have to be told as text, and what doubt about spaces does to its confidence. No networks."""

from __future__ import annotations

import numpy as np
import pytest

from custodes.engine.text.pipeline import Attempt
from custodes.engine.text.places import Straight
from custodes.engine.text.recognise import Reading, Symbol
from custodes.engine.text.words import words_of

PICTURE_PX = 250.0 * 250


def attempt(text: str, probability: float, width: float, height: float = 50) -> Attempt:
    symbols = [Symbol(letter, (at + 0.5) / len(text), probability) for at, letter in enumerate(text)]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return Attempt(Reading(tuple(symbols)), Straight(corners))


@pytest.mark.parametrize(
    ("text", "probability", "width", "height"),
    [("C", 0.98, 50, 50), ("福", 0.998, 200, 200), ("GD", 0.8, 60, 50), ("RIO", 0.68, 90, 50),
     ("ULMUILNNLUNLU", 0.75, 400, 50), ("    .", 0.99, 400, 50), ("--", 0.99, 60, 50), (" S S", 0.99, 420, 50)],
)  # fmt: skip
def test_faces_ornaments_and_foreign_alphabets_are_no_text(
    text: str, probability: float, width: float, height: float
) -> None:
    assert not attempt(text, probability, width, height).is_text(PICTURE_PX)


@pytest.mark.parametrize(
    ("text", "probability", "width"),
    [("7", 0.995, 40), ("TM", 0.95, 60), ("SALE", 0.75, 160), ("Hello world", 0.9, 280), ("我是中国人", 0.95, 230)],
)
def test_words_are(text: str, probability: float, width: float) -> None:
    assert attempt(text, probability, width).is_text(PICTURE_PX)


def told(text: str, width: float) -> list[tuple[str, float]]:
    found = attempt(text, 0.999, width)
    return [(word.text, word.confidence_pct) for word in words_of(found.reading, found.place)]


def test_digits_that_stand_apart_lower_the_confidence_of_their_word() -> None:
    [(text, near)] = told("1234", 120)
    [(same, apart)] = told("1234", 180)
    assert text == same == "1234"
    assert apart < near * 0.6
    assert told("SALE", 180)[0][1] == pytest.approx(told("SALE", 120)[0][1]), "letters are set apart for looks"


def test_full_width_digits_are_told_as_digits() -> None:
    assert [text for text, _ in told("\uff11\uff12", 60)] == ["12"]
