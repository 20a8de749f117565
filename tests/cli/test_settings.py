"""Settings: precedence, types, and refusals that name the setting and never its value."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from custodes.core.device import Device
from custodes.core.errors import InvalidParameterError
from custodes.settings import Settings, load, url_host


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
        ({"CUSTODES_PROT": "1"}, "CUSTODES_PROT is not a setting"),
        ({"CUSTODES_PORT": "hunter2"}, "port"),
        ({"CUSTODES_PORT": "70000"}, "port must be between"),
        ({"CUSTODES_DEVICE": "hunter2"}, "device"),
        ({"CUSTODES_METRICS_PUBLIC": "hunter2"}, "metrics_public"),
        ({"CUSTODES_BUCKETS": "hunter2"}, "buckets"),
        ({"CUSTODES_LOG_LEVEL": "hunter2"}, "log_level"),
    ],
)
def test_refusals_name_the_setting_and_not_the_value(environ: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidParameterError, match=words) as refusal:
        load(environ)
    assert "hunter2" not in refusal.value.message


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
