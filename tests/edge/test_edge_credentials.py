"""The operator's credentials: files that AWS clients read, made once, kept private."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.core.errors import UnavailableError
from custodes.storage.files.credentials import OperatorKeys, configured, open_credentials
from tests.fakes.command import custodes


def counting() -> Callable[[int], bytes]:
    """Randomness that differs from call to call and never from run to run."""
    calls = iter(range(1, 256))
    return lambda size: bytes([next(calls)]) * size


def opened(directory: Path, endpoint_url: str = "http://127.0.0.1:8080", random=None) -> OperatorKeys:
    return open_credentials(directory, region="eu-central-1", endpoint_url=endpoint_url, random=random or counting())


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_first_start_makes_private_files_and_later_ones_keep_them(tmp_path):
    directory = tmp_path / "deep" / "data"
    first = opened(directory)
    assert mode(directory) == 0o700
    assert {path.name: mode(path) for path in directory.iterdir()} == dict.fromkeys(
        ("account", "credentials", "config"), 0o600
    )
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    assert opened(directory, random=os.urandom) == first
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
    assert len(first.account_id) == 12
    assert first.account_id.isdigit()
    assert first.find(first.key.access_key_id) == first.key
    assert first.find("AKOTHER") is None
    assert first.key.principal.path == "root"


def test_two_directories_share_nothing(tmp_path):
    one, two = (opened(tmp_path / name, random=os.urandom) for name in "ab")
    assert one.account_id != two.account_id
    assert one.key.access_key_id != two.key.access_key_id
    assert one.key.secret != two.key.secret


def test_randomness_is_what_was_passed_in(tmp_path):
    assert opened(tmp_path / "a") == opened(tmp_path / "b")


def test_boto3_reads_the_files(tmp_path, monkeypatch):
    made = opened(tmp_path)
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    session = boto3.session.Session(profile_name="custodes")
    found = session.get_credentials()
    assert (found.access_key, found.secret_key) == (made.key.access_key_id, made.key.secret)
    client = session.client("rekognition")
    assert client.meta.region_name == "eu-central-1"
    assert client.meta.endpoint_url == "http://127.0.0.1:8080"


def custodes_env(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return custodes("env", "--data", directory, *arguments)


def exports(directory: Path) -> str:
    return custodes_env(directory).stdout


@pytest.mark.parametrize(
    ("version", "warned"),
    [("2.9.19", True), ("1.28.9", True), ("1.29.0", False), ("2.13.0", False), ("2.31.4", False), ("1.44.80", False)],
)
def test_an_aws_cli_that_would_call_amazon_is_named(tmp_path, version, warned):
    """Versions before July 2023 ignore addresses in variables, and would send photos to Amazon."""
    opened(tmp_path / "data")
    program = tmp_path / "aws"
    program.write_text(f"#!/bin/sh\necho aws-cli/{version} Python/3.11 Linux/6.1\n")
    program.chmod(0o755)
    command = [sys.executable, "-m", "custodes", "env", "--data", str(tmp_path / "data")]
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    assert (f"aws-cli/{version} ignores these variables" in done.stderr) is warned
    assert "AWS_ENDPOINT_URL_REKOGNITION" in done.stdout


def test_exports_win_over_what_the_shell_had(tmp_path):
    directory = tmp_path / "with 'quote' and $dollar"
    made = opened(directory)
    script = (
        "import boto3; s = boto3.session.Session(); c = s.client('rekognition'); k = s.get_credentials();"
        "print(k.access_key, c.meta.region_name, c.meta.endpoint_url, s.client('sts').meta.endpoint_url,"
        "s.client('s3').meta.endpoint_url)"
    )
    rivals = {
        "AWS_ACCESS_KEY_ID": "AKRIVAL",
        "AWS_SECRET_ACCESS_KEY": "rival",
        "AWS_SESSION_TOKEN": "rival",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_PROFILE": "rival",
    }
    done = subprocess.run(
        ["/bin/sh", "-euc", 'eval "$1"; exec "$2" -c "$3"', "sh", exports(directory), sys.executable, script],
        env={"PATH": os.environ["PATH"], **rivals},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    *ours, s3 = done.stdout.split()
    assert ours == [made.key.access_key_id, "eu-central-1", *["http://127.0.0.1:8080"] * 2]
    assert "amazonaws.com" in s3
    assert made.key.secret not in exports(directory)


def test_exports_before_the_first_start_say_what_to_do(tmp_path):
    done = custodes_env(tmp_path / "none")
    assert done.returncode == 1
    assert "start a server" in done.stderr
    assert not (tmp_path / "none").exists()


def test_exports_that_failed_lead_nowhere_instead_of_to_amazon(tmp_path):
    """No photo goes to somebody else by mistake: the next call in the shell fails, and so does the line itself."""
    script = (
        "import boto3; c = boto3.client('rekognition', region_name='us-east-1', aws_access_key_id='a',"
        "aws_secret_access_key='b'); print(c.meta.endpoint_url)"
    )
    line = 'eval "$("$1" -m custodes env --data "$2")" || echo failed; exec "$1" -c "$3"'
    done = subprocess.run(
        ["/bin/sh", "-uc", line, "sh", sys.executable, str(tmp_path / "none"), script],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == ["failed", "http://127.0.0.1:9"]


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("sh", "export CUSTODES_DATA='{}/it'\"'\"'s'"),
        ("fish", "set -gx CUSTODES_DATA '{}/it\\'s'"),
        ("powershell", "$Env:CUSTODES_DATA = '{}/it''s'"),
    ],
)
def test_each_shell_gets_its_own_quotes(tmp_path, shell, line):
    opened(tmp_path / "it's")
    printed = custodes_env(tmp_path / "it's", "--shell", shell).stdout
    assert line.format(tmp_path) in printed.splitlines()


def test_a_config_of_an_earlier_version_is_read_and_narrowed(tmp_path):
    path = tmp_path / "config"
    path.write_text("[profile custodes]\nregion = eu-central-1\nendpoint_url = http://127.0.0.1:7070\n")
    assert configured(tmp_path).endpoint_url == "http://127.0.0.1:7070"
    opened(tmp_path)
    assert configured(tmp_path).endpoint_url == "http://127.0.0.1:8080"
    assert path.read_text().count("endpoint_url") == 2


def test_config_follows_the_address_and_keeps_what_people_added(tmp_path):
    opened(tmp_path)
    path = tmp_path / "config"
    with path.open("a") as file:
        file.write("output = json\ns3 =\n  addressing_style = path\n[profile mine]\nregion = us-east-1\n")
    opened(tmp_path, "http://127.0.0.1:9090")
    config = configparser.ConfigParser()
    config.read(path)
    assert dict(config["profile custodes"]) == {
        "region": "eu-central-1",
        "services": "custodes",
        "output": "json",
        "s3": "\naddressing_style = path",
    }
    assert config["services custodes"]["rekognition"] == "\nendpoint_url = http://127.0.0.1:9090"
    assert config["profile mine"]["region"] == "us-east-1"
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_a_file_open_to_others_is_narrowed_with_a_warning(tmp_path):
    first = opened(tmp_path)
    (tmp_path / "credentials").chmod(0o644)
    with structlog.testing.capture_logs() as logs:
        assert opened(tmp_path) == first
    assert mode(tmp_path / "credentials") == 0o600
    assert [line["log_level"] for line in logs] == ["warning"]
    assert first.key.secret not in repr(logs)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("account", b"123\n"),
        ("account", b""),
        ("account", "\u0661".encode() * 12),
        ("account", b"\xff" * 12),
        ("credentials", b""),
        ("credentials", b"[default]\naws_access_key_id = AKCUAAAAAAAAAAAAAAAA\n"),
        ("credentials", b"[custodes]\naws_access_key_id = short\naws_secret_access_key = topsecret\n"),
        ("credentials", b"aws_secret_access_key = topsecret\n"),
        ("credentials", b"[custodes]\ntopsecret\n"),
        ("credentials", b"\xff\xfe\x00"),
        ("config", b"topsecret\n"),
    ],
)
def test_a_damaged_file_is_named_but_not_quoted(tmp_path, name, content):
    opened(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnavailableError) as error:
        opened(tmp_path)
    assert name in error.value.message
    assert "topsecret" not in error.value.message
    assert (tmp_path / name).read_bytes() == content


def test_a_directory_that_is_none_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UnavailableError, match="cannot use the data directory"):
        opened(tmp_path / "file")


def test_a_crash_between_two_files_is_made_good(tmp_path):
    first = opened(tmp_path)
    (tmp_path / "credentials").unlink()
    (tmp_path / ".credentials.1.tmp").write_text("half")
    second = opened(tmp_path, random=os.urandom)
    assert second.account_id == first.account_id
    assert second.key != first.key


def test_of_many_first_starts_one_wins(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from custodes.storage.files.credentials import open_credentials;"
        "k = open_credentials(Path(sys.argv[1]), region='r', endpoint_url='http://h', random=os.urandom);"
        "print(k.account_id, k.key.access_key_id)"
    )
    answers: list[str] = []

    def start() -> None:
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "d")], capture_output=True, text=True, check=True, timeout=60
        )
        answers.append(done.stdout)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert len(set(answers)) == 1


@settings(max_examples=50, deadline=None)
@given(seed=st.binary(min_size=30, max_size=30))
def test_any_randomness_makes_a_key_that_is_read_back(seed, tmp_path_factory):
    directory = tmp_path_factory.mktemp("keys")
    made = opened(directory, random=lambda size: seed[:size])
    assert opened(directory) == made


def test_without_hard_links_the_files_are_made_all_the_same(tmp_path, monkeypatch):
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    first = opened(tmp_path)
    assert opened(tmp_path, random=os.urandom) == first


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path):
    opened(tmp_path)
    os.chown(tmp_path / "credentials", 12345, 12345)
    with pytest.raises(UnavailableError, match="belongs to another user"):
        opened(tmp_path)
