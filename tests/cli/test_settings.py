"""Settings: precedence, types, and refusals that say where a value stands, what it is and what would fit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from custodes.core.device import Device
from custodes.core.errors import InvalidParameterError
from custodes.core.setting_text import url_host
from custodes.settings import Settings, load


def test_defaults_need_nothing() -> None:
    settings = load({})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.data) == ("127.0.0.1", 8080, Path("data"))


def test_flags_win_over_variables_and_variables_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "custodes.toml").write_text('port = 1\nregion = "a"\nhost = "h"\n[buckets]\nphotos = "/srv"\n')
    environ = {"CUSTODES_DATA": str(tmp_path), "CUSTODES_PORT": "2", "CUSTODES_REGION": "b"}
    settings = load(environ, {"port": 3, "device": None})
    assert (settings.port, settings.region, settings.host, settings.device) == (3, "b", "h", Device.AUTO)
    assert settings.buckets == {"photos": Path("/srv")}


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match="there is no settings file"):
        load({"CUSTODES_CONFIG": str(tmp_path / "none.toml")})


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"CUSTODES_PROT": "1"}, ["CUSTODES_PROT is not a setting", "did you mean CUSTODES_PORT?"]),
        ({"CUSTODES_PORT": "many"}, ["CUSTODES_PORT: ", "'many'", "Port to listen on"]),
        ({"CUSTODES_PORT": "70000"}, ["CUSTODES_PORT: port is 70000 and must be between 0 and 65535"]),
        ({"CUSTODES_DEVICE": "tpu"}, ["CUSTODES_DEVICE: ", "'tpu'", "`auto`, `cpu` or `cuda`"]),
        ({"CUSTODES_METRICS_PUBLIC": "perhaps"}, ["CUSTODES_METRICS_PUBLIC: ", "'perhaps'"]),
        ({"CUSTODES_BUCKETS": "photos"}, ["CUSTODES_BUCKETS: ", "'photos'", "`name=/folder"]),
        ({"CUSTODES_NODE": "one"}, ["CUSTODES_NODE: node is 'one' and must be given with database"]),
        ({"CUSTODES_NODE": "No 1"}, ["CUSTODES_NODE: node is 'No 1' and must be 1 to 32 of a-z"]),
        ({"CUSTODES_LOG_LEVEL": "loud"}, ["log_level is 'loud' and must be debug, info"]),
    ],
)
def test_refusals_say_which_setting_which_value_and_what_fits(environ: dict[str, str], words: list[str]) -> None:
    with pytest.raises(InvalidParameterError) as refusal:
        load(environ)
    for word in words:
        assert word in refusal.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('region = "a"\nport = "many"\n', ["custodes.toml, line 2: ", "'many'"]),
        ("# a remark\n\nport = 70000\n", ["custodes.toml, line 3: port is 70000"]),
        ("\nprot = 1\n", ["custodes.toml, line 2: prot is not a setting", "did you mean port?"]),
        ("port = \n", ["is not TOML", "line 1"]),
    ],
)
def test_refusals_say_the_line_of_the_file(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "custodes.toml").write_text(text)
    with pytest.raises(InvalidParameterError) as refusal:
        load({"CUSTODES_DATA": str(tmp_path)})
    for word in words:
        assert word in refusal.value.message


def test_a_secret_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "custodes.toml").write_text("job_webhook_secret = true\n")
    with pytest.raises(InvalidParameterError) as refusal:
        load({"CUSTODES_DATA": str(tmp_path)})
    assert "True" not in refusal.value.message
    assert "job_webhook_secret" in refusal.value.message


def test_an_unknown_name_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "custodes.toml").write_text("prot = 1\n")
    with pytest.raises(InvalidParameterError, match="prot is not a setting"):
        load({"CUSTODES_DATA": str(tmp_path)})


def test_a_secret_never_shows() -> None:
    assert "hunter2" not in repr(load({"CUSTODES_S3_SECRET_ACCESS_KEY": "hunter2"}))


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("h", "h")]
)
def test_hosts_in_urls(host: str, expected: str) -> None:
    assert url_host(host) == expected


def test_sampling_by_kind_of_job() -> None:
    settings = Settings(video_sampling="FaceSearch=4, LabelDetection=0.5")
    assert settings.video_rates == {"StartFaceSearch": 4, "StartLabelDetection": Fraction(1, 2)}
    for wrong in ("SegmentDetection=2", "FaceSearch=31", "FaceSearch", "FaceSearch=x"):
        with pytest.raises(InvalidParameterError, match="video_sampling"):
            Settings(video_sampling=wrong)
