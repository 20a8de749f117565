"""The drill: a server is backed up while it works, killed, and restored elsewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from custodes.core.errors import UnavailableError
from custodes.storage.backup.restoring import restore_backup
from custodes.storage.files import placement
from tests.fakes.command import custodes
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.live import LiveServer, running
from tests.fakes.process import serving


def image(number: int) -> dict[str, bytes]:
    return {"Bytes": picture(Square(number))}


def command(*arguments: object) -> str:
    done = custodes(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def restart(data: Path) -> Any:
    return running(data, engine=SquareEngine())


def index(client: Any, number: int) -> str:
    found = client.index_faces(CollectionId="c", Image=image(number), ExternalImageId=f"person-{number}")
    face: str = found["FaceRecords"][0]["Face"]["FaceId"]
    return face


def faces(client: Any) -> set[str]:
    return {face["FaceId"] for face in client.list_faces(CollectionId="c")["Faces"]}


def occasions(server: LiveServer) -> list[str]:
    log = server.deployment.ledger.log
    log.flush()
    parsed = [json.loads(envelope) for _, envelope in log.tree().entries()]
    return [entry["x"] for entry in parsed if entry["k"] == "inc"]


def test_killed_and_restored_elsewhere(tmp_path: Path) -> None:
    data, backup, keys, new = (tmp_path / name for name in ("data", "backup", "backup-keys", "new"))
    with serving(data) as process:
        client = process.client()
        client.create_collection(CollectionId="c")
        kept, erased = index(client, 1), index(client, 2)
        client.create_user(CollectionId="c", UserId="eve")
        client.associate_faces(CollectionId="c", UserId="eve", FaceIds=[erased])
        stop, meanwhile = threading.Event(), list[str]()

        def work() -> None:
            mine, number = process.client(), 3
            while not stop.is_set():
                meanwhile.append(index(mine, number))
                number = number % 7 + 3
                if number == 5:
                    mine.delete_faces(CollectionId="c", FaceIds=[meanwhile.pop()])

        thread = threading.Thread(target=work)
        thread.start()
        try:
            answer = json.loads(command("backup", backup, "--data", data, "--json"))
        finally:
            stop.set()
            thread.join()
        client.delete_user(CollectionId="c", UserId="eve")
        client.delete_faces(CollectionId="c", FaceIds=[erased])
        process.popen.kill()
    said = json.loads(command("restore", backup, "--to", new, "--lost", data, "--json"))
    assert said["entries"] > answer["ledger_at"] and said["newer"]["era"] >= 2
    assert command("ledger", "audit", "--data", new).startswith("OK ")
    with restart(new) as server:
        client = server.client()
        left = faces(client)
        assert kept in left and erased not in left
        assert not left - {kept, *meanwhile}, "a face that went while the backup was taken came back"
        assert client.list_users(CollectionId="c")["Users"] == []
        assert client.search_faces_by_image(CollectionId="c", Image=image(2))["FaceMatches"] == []
        assert occasions(server)[0] == "restored-from-backup"
        index(client, 9)
    assert command("ledger", "audit", "--data", new).startswith("OK ")
    with restart(new) as server:
        assert occasions(server).count("restored-from-backup") == 1, "it is said once"
    assert not (data / "backup-scratch").exists()
    subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=backup, check=True)
    subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=keys, check=True)


@pytest.fixture(scope="module")
def one_backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with one face in it, and a backup of it that its server took."""
    place = tmp_path_factory.mktemp("place")
    with restart(place / "data") as server:
        client = server.client()
        client.create_collection(CollectionId="c")
        index(client, 1)
        for _ in range(300):  # more than a tile of entries
            client.list_collections()
        ask(server, folder=str(place / "backup"), keys=str(place / "keys"))
    return place


@pytest.fixture
def taken(one_backup: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The same to alter: the two folders, with the directory beside them."""
    shutil.copytree(one_backup, tmp_path, dirs_exist_ok=True)
    return tmp_path / "backup", tmp_path / "keys"


def ask(server: LiveServer, **members: str) -> Any:
    return server.deployment.administration.ask("backup", members, 0)


def test_a_backup_alone_is_enough_and_says_what_it_lacks(tmp_path: Path, taken: tuple[Path, Path]) -> None:
    folder, keys = taken
    restored = restore_backup(folder, keys, tmp_path / "new", None)
    assert restored.newer == {} and restored.entries == restored.manifest.ledger_at > 512
    assert command("ledger", "audit", "--data", tmp_path / "new").startswith("OK ")
    with restart(tmp_path / "new") as server:
        found = server.client().search_faces_by_image(CollectionId="c", Image=image(1))
        assert found["FaceMatches"][0]["Face"]["ExternalImageId"] == "person-1"
        assert occasions(server) == ["restored-from-backup"]


def test_nothing_private_can_be_read_without_the_keys(taken: tuple[Path, Path]) -> None:
    folder, keys = taken
    content = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"person-1" not in content and b"SQLite format" not in content
    assert (keys / "master.key").read_bytes() not in content
    assert {path.stat().st_mode & 0o077 for path in keys.rglob("*") if path.is_file()} == {0}
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["private.tar.sealed", "ledger/checkpoint", "manifest.json"])
def test_a_damaged_backup_is_refused_and_leaves_nothing(tmp_path: Path, taken: tuple[Path, Path], name: str) -> None:
    folder, keys = taken
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(UnavailableError):
        restore_backup(folder, keys, tmp_path / "new", None)
    assert not (tmp_path / "new").exists()


def test_an_unfinished_backup_and_foreign_keys_are_refused(tmp_path: Path, taken: tuple[Path, Path]) -> None:
    folder, keys = taken
    other = tmp_path / "other-keys"
    shutil.copytree(keys, other)
    (other / "backup.key").write_text("00" * 32)
    with pytest.raises(UnavailableError, match="not of the backup"):
        restore_backup(folder, other, tmp_path / "new", None)
    (folder / "manifest.json").unlink()
    with pytest.raises(UnavailableError, match="no finished backup"):
        restore_backup(folder, keys, tmp_path / "new", None)


def test_the_log_of_somebody_else_is_not_taken(tmp_path: Path, taken: tuple[Path, Path]) -> None:
    folder, keys = taken
    with restart(tmp_path / "stranger"), pytest.raises(UnavailableError, match="in use"):
        restore_backup(folder, keys, tmp_path / "new", tmp_path / "stranger")
    with pytest.raises(UnavailableError, match="has the log"):
        restore_backup(folder, keys, tmp_path / "new", tmp_path / "stranger")


def test_folders_are_kept_apart(tmp_path: Path) -> None:
    with restart(tmp_path / "data") as server:
        for folder, keys in (("a", "a/keys"), ("data/a", "b"), ("a", "data/keys")):
            with pytest.raises(Exception, match="apart"):
                ask(server, folder=str(tmp_path / folder), keys=str(tmp_path / keys))
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "file").touch()
        with pytest.raises(Exception, match="not empty"):
            ask(server, folder=str(tmp_path / "full"), keys=str(tmp_path / "keys"))


def test_a_copied_directory_says_so_once_anchor_or_not(tmp_path: Path) -> None:
    with restart(tmp_path / "data") as server:
        assert occasions(server) == []
    with restart(tmp_path / "data") as server:
        assert occasions(server) == []
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    for _ in range(2):
        with restart(tmp_path / "copy") as server:
            assert occasions(server) == ["data-directory-was-moved"]
    shutil.copy2(tmp_path / "data" / "placement.id", tmp_path / "copy" / "placement.id")
    assert placement.was_moved(tmp_path / "copy"), "put back in place"
