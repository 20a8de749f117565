"""A firm's name with its words cut in pieces, or its letters set apart, put together again.

In: a name, like ``Ro sob oron export Nederland B.V.`` or ``V.i.s.i.o.n L.a.b.s``. Out: it with each run of pieces as
one word, and each run by itself, since where the firm's name ends nobody can tell. Whether any of it means anything,
only a listed name can say.
"""

from __future__ import annotations

import re
from itertools import groupby

from custodes.screening.names.legal_forms import is_of_a_form

_LONGEST_PIECE, _FEWEST_PIECES, _FEWEST_LETTERS = 4, 3, 8
_BRACKETED = re.compile(r"\([^()]*\)")
_DOTTED_TAIL = re.compile(r"\b(?:[^\W\d_]\.){2,4}(?=[\s,)]*$)")
_WORD = re.compile(r"[^\W_]+")


def put_together(text: str) -> tuple[str, ...]:
    """Readings of ``text`` with its pieces joined; none without three pieces beside each other, of eight letters."""
    text = _DOTTED_TAIL.sub(lambda found: found.group().replace(".", ""), _BRACKETED.sub(" ", text))
    words = _WORD.findall(text)
    last = len(words)
    while last > 1 and len(words[last - 1]) > 1 and is_of_a_form(words[last - 1].lower()):
        last -= 1
    read, alone = [], []
    for short, run in groupby(words[:last], lambda word: len(word) <= _LONGEST_PIECE):
        pieces = [*run]
        whole = "".join(pieces)
        if short and len(pieces) >= _FEWEST_PIECES and len(whole) >= _FEWEST_LETTERS:
            pieces = [whole]
            alone.append(whole)
        read += pieces
    return (" ".join([*read, *words[last:]]), *alone) if alone else ()
