"""Makes the two typefaces of drawn captions: Noto Sans for European letters, Noto Sans CJK JP for those of East Asia.

In: files as packages on PyPI have them unmodified (both OFL-1.1): ``NotoSans[wdth,wght].ttf`` of ``fontpkg-noto-sans``
2.15, ``notosanscjkjp-regular.otf`` of ``rinoh-typeface-notosanscjk`` 0.0.1; and ``pip install fonttools brotli``.
Out: in the folder that is named, without hints, one weight, each below a megabyte: ``european.woff2``,
``korean.woff2`` with kana, and Chinese characters in ``han_1.woff2`` and ``han_2.woff2``:

    python scripts/subset_font.py 'NotoSans[wdth,wght].ttf' notosanscjkjp-regular.otf src/custodes/cli/pictures/fonts
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

# Letters of the national standards: simplified Chinese, Japanese, traditional Chinese (the frequent ones), Korean.
STANDARDS = ("gb2312", "euc_jp", "euc_kr")
BIG5_FREQUENT = range(0xA440, 0xC67F)
EUROPEAN = (
    (0x20, 0x24F), (0x300, 0x36F), (0x1E00, 0x1EFF),  # Latin, with accents that stand alone
    (0x370, 0x3FF), (0x1F00, 0x1FFF), (0x400, 0x52F),  # Greek, Cyrillic
    (0x2000, 0x206F), (0x20A0, 0x20BF), (0x2100, 0x214F),  # punctuation, currencies, signs
)  # fmt: skip
HAN = (0x4E00, 0x9FFF)
KANA_AND_FORMS = ((0x3000, 0x30FF), (0x31F0, 0x31FF), (0xFF00, 0xFFEF))


def european() -> Iterator[int]:
    """Code points of Latin, Greek and Cyrillic."""
    for first, last in EUROPEAN:
        yield from range(first, last + 1)


def east_asian() -> Iterator[int]:
    """Code points of Chinese, Japanese and Korean."""
    for first, last in KANA_AND_FORMS:
        yield from range(first, last + 1)
    for standard in STANDARDS:
        for high in range(0xA1, 0xFF):
            for low in range(0xA1, 0xFF):
                yield from map(ord, bytes((high, low)).decode(standard, "ignore"))
    for code in BIG5_FREQUENT:
        yield from map(ord, code.to_bytes(2, "big").decode("big5", "ignore"))


def write(source: Path, letters: set[int], out: Path) -> None:
    """Write the typeface of ``letters``."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont
    from fontTools.varLib.instancer import instantiateVariableFont

    font = TTFont(source)
    if "fvar" in font:
        font = instantiateVariableFont(font, {"wght": 400, "wdth": 100})
    options = Options(layout_features=["kern"], hinting=False, notdef_outline=True)
    options.drop_tables += ["BASE", "DSIG", "STAT", "VORG", "vhea", "vmtx"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=letters)
    subsetter.subset(font)
    font.flavor = "woff2"
    font.save(out)
    print(f"{out}: {len(font.getBestCmap())} letters, {out.stat().st_size} bytes")


if __name__ == "__main__":
    latin, cjk, folder = map(Path, sys.argv[1:])
    write(latin, set(european()), folder / "european.woff2")
    letters = sorted(set(east_asian()) - set(european()))
    han = [letter for letter in letters if HAN[0] <= letter <= HAN[1]]
    write(cjk, set(letters) - set(han), folder / "korean.woff2")
    write(cjk, set(han[: len(han) // 2]), folder / "han_1.woff2")
    write(cjk, set(han[len(han) // 2 :]), folder / "han_2.woff2")
