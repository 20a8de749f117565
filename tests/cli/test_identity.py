"""As whom commands call: one rule, and one line that says the outcome."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.engine import Square, picture

AMAZON = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "x" * 40}


@pytest.fixture
def photo(tmp_path: Path, rekognition: Any) -> Path:
    rekognition.create_collection(CollectionId="people")
    path = tmp_path / "a.png"
    path.write_bytes(picture(Square(1)))
    return path


def called(answer: Any) -> list[str]:
    return [line for line in answer.stderr.splitlines() if line.startswith("custodes: as ")]


def test_the_operator_of_the_directory_calls(custodes: Any, photo: Path, live_server: Any) -> None:
    root = f"arn:aws:iam::{live_server.deployment.keys.account_id}:root"
    answer = custodes("search", str(photo), "-c", "people", AWS_PROFILE="")
    assert answer.returncode == 0, answer.stderr
    assert called(answer) == [f"custodes: as {root} at {live_server.url}"]
    assert called(custodes("review", "list", AWS_PROFILE="")) == [f"custodes: as {root} at {live_server.url}"]


def test_a_key_of_amazon_is_neither_sent_nor_in_the_way(custodes: Any, photo: Path) -> None:
    (photo.parent / "work").write_text("[profile work]\nregion = eu-west-1\n")
    by_profile = {"AWS_PROFILE": "work", "AWS_CONFIG_FILE": str(photo.parent / "work")}
    assert custodes("search", str(photo), "-c", "people", **by_profile).returncode == 0
    answer = custodes("search", str(photo), "-c", "people", **AMAZON)
    assert answer.returncode == 0, answer.stderr
    assert ":root at http://127.0.0.1" in called(answer)[0]


def test_a_user_of_the_server_calls_with_the_key_of_the_environment(
    custodes: Any, photo: Path, live_server: Any
) -> None:
    custodes("user", "create", "ann")
    key = json.loads(custodes("key", "create", "--user", "ann", "--json").stdout)
    variables = {"AWS_ACCESS_KEY_ID": key["access_key_id"], "AWS_SECRET_ACCESS_KEY": key["secret_access_key"]}
    for command in (("search", str(photo), "-c", "people"), ("review", "list")):
        answer = custodes(*command, **variables)
        assert called(answer)[0].startswith("custodes: as arn:aws:iam::")
        assert called(answer)[0].endswith(f":user/ann at {live_server.url}")
        assert answer.returncode == 1
        assert "AccessDenied" in answer.stderr
    # The same where an address is given and no directory.
    elsewhere = {**variables, "CUSTODES_DATA": str(live_server.data / "none")}
    answer = custodes("search", str(photo), "-c", "people", "--endpoint", live_server.url, **elsewhere)
    assert ":user/ann at " in called(answer)[0]
    by_variable = custodes("search", str(photo), "-c", "people", AWS_ENDPOINT_URL=live_server.url, **elsewhere)
    assert ":user/ann at " in called(by_variable)[0]


def test_wrong_credentials_are_said_before_a_photo_is_sent(custodes: Any, photo: Path) -> None:
    unknown = {"AWS_ACCESS_KEY_ID": "AKCUNOBODY2345678901", "AWS_SECRET_ACCESS_KEY": "x" * 40}
    answer = custodes("search", str(photo), "-c", "people", **unknown)
    assert answer.returncode == 1
    assert "AKCUNOBODY2345678901" in answer.stderr
    assert custodes("search", str(photo), "-c", "people", AWS_PROFILE="nobody").returncode == 1


def test_without_any_credentials_it_says_which_are_looked_for(custodes: Any, photo: Path, live_server: Any) -> None:
    nothing = {"AWS_PROFILE": "", "CUSTODES_DATA": str(photo.parent / "none")}
    answer = custodes("search", str(photo), "-c", "people", "--endpoint", live_server.url, **nothing)
    assert answer.returncode == 1
    assert "AWS_ACCESS_KEY_ID" in answer.stderr
