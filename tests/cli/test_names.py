"""Names of photos: always what the API accepts, and never two letters thrown together silently."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.cli.faces.names import acceptable, open_names
from custodes.cli.faces.photo_source import PhotoFile
from custodes.core.errors import InvalidParameterError


def photo(inside: str) -> PhotoFile:
    return PhotoFile(Path("/photos", inside), Path(inside))


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("Ann", "Ann"),
        ("George W Bush", "George_W_Bush"),
        ("Zoë Müller", "Zoe_Muller"),
        ("a/b", "a_b"),
        ("id:4.2-x", "id:4.2-x"),
        ("李", "u674E"),
        ("  Ann ", "Ann"),
        ("x" * 300, "x" * 255),
        ("", ""),
    ],
)
def test_names_become_acceptable(given_name: str, expected: str) -> None:
    assert acceptable(given_name) == expected


@given(name=st.text(max_size=400))
def test_any_name_fits_the_pattern_of_the_api(name: str) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9_.\-:]{0,255}", acceptable(name))


@given(name=st.from_regex(r"[a-zA-Z0-9_.\-:]{1,255}", fullmatch=True))
def test_names_that_fit_are_kept(name: str) -> None:
    assert acceptable(name) == name


def test_photos_in_the_folder_itself_have_no_name() -> None:
    names = open_names("folder", [])
    assert names.of(photo("a.jpg")) is None
    assert names.of(photo("x/Ann/a.jpg")) == "Ann"
    assert open_names("file", []).of(photo("x/a b.jpg")) == "a_b"


def test_a_flat_folder_is_named_by_file_and_any_other_by_folder() -> None:
    assert open_names("auto", [photo("ann.jpg"), photo("bob.jpg")]).of(photo("ann.jpg")) == "ann"
    assert open_names("auto", [photo("ann.jpg"), photo("Bob/1.jpg")]).of(photo("Bob/1.jpg")) == "Bob"


def test_csv_needs_two_columns(tmp_path: Path) -> None:
    table = tmp_path / "names.csv"
    table.write_text("a.jpg,Ann\nb.jpg\n")
    with pytest.raises(InvalidParameterError, match="line 2"):
        open_names(str(table), [])
