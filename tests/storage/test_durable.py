"""The one way to write a file that has to last: whole or not at all, for any number of writers."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from custodes.durable import create_durably, move_durably, write_durably


def test_readers_see_one_whole_content_of_several_writers(tmp_path: Path) -> None:
    path = tmp_path / "state"
    contents = [bytes([number]) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_durably(path, content), contents * 4))
    assert path.read_bytes() in contents
    assert [file.name for file in tmp_path.iterdir()] == ["state"], "no draft stays"


def test_of_several_who_make_a_file_one_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "key"

    def make(number: int) -> bool:
        try:
            create_durably(path, b"%d" % number)
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(16)))
    assert made.count(True) == 1
    assert int(path.read_bytes()) == made.index(True)
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_has_the_mode_that_was_asked_for(tmp_path: Path, mode: int) -> None:
    for number, write in enumerate((write_durably, create_durably)):
        write(tmp_path / str(number), b"x", mode)
        assert stat.S_IMODE((tmp_path / str(number)).stat().st_mode) == mode


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    (target / "inner").mkdir(parents=True)
    with pytest.raises(OSError):
        write_durably(target, b"a file cannot take the place of a folder")
    assert (target / "inner").is_dir()
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]


def test_a_moved_file_takes_the_place_of_the_other(tmp_path: Path) -> None:
    write_durably(tmp_path / "next", b"new")
    write_durably(tmp_path / "present", b"old")
    move_durably(tmp_path / "next", tmp_path / "present")
    assert (tmp_path / "present").read_bytes() == b"new"
    assert not (tmp_path / "next").exists()
