"""Events sent to webhooks and brokers: signed, in order, until they are taken, and nowhere else."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from standardwebhooks import Webhook, WebhookVerificationError

from custodes.core.errors import InvalidParameterError
from custodes.core.ids import AccountId
from custodes.ledger.tlog.entry import decode
from custodes.video.live.destination import GIVE_UP_MS, MAX_WAIT_MS, EventDestination
from tests.fakes.blobs import BlobEngine, portrait
from tests.fakes.broker import Broker
from tests.fakes.live import LiveServer, running
from tests.fakes.receiver import Receiver
from tests.fakes.waiting import eventually
from tests.streams.kept import ask, correct, seen, store

FACE = "12345678-1234-4123-8123-123456789012"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory with Ann enrolled, and two events: Ann, and somebody unknown."""
    path = tmp_path / "data"
    with running(path, engine=BlobEngine()) as server:
        client = server.client()
        client.create_collection(CollectionId="staff")
        answer = client.index_faces(CollectionId="staff", Image={"Bytes": portrait("ann")}, ExternalImageId="Ann")
        account = AccountId(server.deployment.keys.account_id)
    face_id = answer["FaceRecords"][0]["Face"]["FaceId"]
    known = {"face_id": face_id, "external_image_id": "Ann", "similarity_pct": 98.5, "picture": b"jpeg"}
    with store(path) as events:
        events.add([seen(account, **known), seen(account, track=1, picture=b"jpeg")])
    return path


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.shut()


def bodies(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in receiver.got]


def state(server: LiveServer) -> dict[str, Any]:
    (one,) = ask(server, "stream destination list")["destinations"]
    return dict(one)


def test_a_webhook_gets_every_event_signed_as_the_standard_says(data: Path, receiver: Receiver) -> None:
    with running(data, engine=BlobEngine()) as server:
        made = ask(server, "stream destination set", name="hook", url=receiver.url, past=True)
        assert eventually(lambda: len(receiver.got) == 2)
        correct(server, 1)
        assert eventually(lambda: len(receiver.got) == 3)
        assert eventually(lambda: not state(server)["waiting"]) and made["secret"] not in json.dumps(state(server))
        log = server.deployment.ledger.log
        uses = [log.body(index) for index in range(log.published.size) if decode(log.tree().entry(index)).kind == "use"]
        assert sum(b'"destination":"hook"' in (use or b"") for use in uses) >= 2, "disclosures are on record"
    for number, one in enumerate(receiver.got, start=1):
        told = Webhook(made["secret"]).verify(one.body, dict(one.headers))
        assert told["data"]["Place"] == number and one.headers["webhook-id"] == f"evt_{number}"
        assert "Picture" not in told["data"]
        with pytest.raises(WebhookVerificationError):
            Webhook(made["secret"]).verify(one.body + b" ", dict(one.headers))
    assert [one["type"] for one in bodies(receiver)] == ["face.seen", "face.seen", "face.corrected"]
    assert bodies(receiver)[0]["data"]["ExternalImageId"] == "Ann" and bodies(receiver)[2]["data"]["Corrects"] == 1


def test_what_is_not_taken_is_sent_again_in_order_also_by_the_next_server(data: Path, receiver: Receiver) -> None:
    receiver.status = 503
    with running(data, engine=BlobEngine()) as server:
        ask(server, "stream destination set", name="hook", url=receiver.url, past=True, pictures=True)
        assert eventually(lambda: len(receiver.got) >= 2)
        assert state(server)["attempt"] >= 1 and state(server)["after"] == 0
    assert {one.headers["webhook-id"] for one in receiver.got} == {"evt_1"}, "the second waits for the first"
    receiver.status, receiver.got = 200, []
    with running(data, engine=BlobEngine()):
        assert eventually(lambda: len(receiver.got) == 2)
    assert [one.headers["webhook-id"] for one in receiver.got] == ["evt_1", "evt_2"]
    assert bodies(receiver)[0]["data"]["Picture"]


def test_one_that_never_answers_delays_no_other(data: Path, receiver: Receiver) -> None:
    with running(data, engine=BlobEngine()) as server, socket.create_server(("127.0.0.1", 0)) as mute:
        host = f"127.0.0.1:{mute.getsockname()[1]}"
        for name, scheme in (("a", "http"), ("b", "mqtt"), ("c", "http")):  # each takes ten seconds to fail
            ask(server, "stream destination set", name=name, url=f"{scheme}://{host}", past=True)
        with mute.accept()[0]:
            ask(server, "stream destination set", name="z", url=receiver.url, past=True)
            assert eventually(lambda: len(receiver.got) == 2, seconds=8)


def test_a_webhook_that_wants_no_more_is_left_alone(data: Path, receiver: Receiver) -> None:
    receiver.status = 410
    with running(data, engine=BlobEngine()) as server:
        ask(server, "stream destination set", name="hook", url=receiver.url, past=True)
        assert eventually(lambda: "410" in (state(server)["stopped"] or ""))
        time.sleep(2.5)
        assert len(receiver.got) == 1
        receiver.status = 200
        ask(server, "stream destination set", name="hook", url=receiver.url)
        assert eventually(lambda: len(receiver.got) == 3), "it goes on where it was"
        ask(server, "stream destination remove", name="hook")
        assert ask(server, "stream destination list")["destinations"] == []


def test_erased_faces_have_no_name_there_either(data: Path, receiver: Receiver) -> None:
    with running(data, engine=BlobEngine()) as server:
        client = server.client()
        face_id = client.list_faces(CollectionId="staff")["Faces"][0]["FaceId"]
        client.delete_faces(CollectionId="staff", FaceIds=[face_id])
        ask(server, "stream destination set", name="hook", url=receiver.url, past=True, pictures=True)
        assert eventually(lambda: len(receiver.got) == 2)
    assert not {"FaceId", "ExternalImageId", "Picture"} & bodies(receiver)[0]["data"].keys()


@given(st.integers(0, 60), st.integers(1, 10**9))
def test_waits_grow_and_end_after_a_day(tries: int, now_ms: int) -> None:
    one = EventDestination(AccountId("123456789012"), "hook", "https://hook.example/")
    first_ms = now_ms
    for _ in range(tries):
        after = one.refused(5, now_ms)
        assert after.revision == one.revision + 1
        if after.after == 5:
            assert now_ms - first_ms >= GIVE_UP_MS and after.attempt == 0
            return
        assert 1_000 <= after.due_ts_ms - now_ms <= MAX_WAIT_MS
        assert not after.is_due(after.due_ts_ms - 1) and after.is_due(after.due_ts_ms)
        one, now_ms = after, after.due_ts_ms
    assert one.after == 0 and one.refused(5, first_ms + GIVE_UP_MS).after == (5 if tries else 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "ftp://hook.example/"},
        {"url": "https:///path"},
        {"url": "https://ann:pw@hook.example/"},
        {"url": "https://hook.example:99999/"},
        {"name": ""},
        {"name": "a b"},
        {"prefix": "a/#"},
        {"prefix": "/a"},
        {"prefix": "$SYS"},
        {"prefix": "a//b"},
    ],
    ids=str,
)
def test_what_is_no_destination_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(InvalidParameterError):
        EventDestination(
            **{"account_id": AccountId("123456789012"), "name": "h", "url": "https://h.example/"} | changes
        )


# Source: home-assistant.io, "MQTT", discovery payload; "MQTT Event"; "MQTT Sensor".
DEVICE = {
    "configuration_url", "connections", "hw_version", "identifiers", "manufacturer", "model", "model_id", "name",
    "serial_number", "suggested_area", "sw_version", "via_device",
}  # fmt: skip
COMMON = {
    "availability", "availability_mode", "availability_template", "availability_topic", "default_entity_id", "device",
    "device_class", "enabled_by_default", "encoding", "entity_category", "entity_picture", "icon",
    "json_attributes_template", "json_attributes_topic", "name", "object_id", "origin", "payload_available",
    "payload_not_available", "platform", "qos", "unique_id",
}  # fmt: skip
REQUIRED = {"event": {"event_types", "state_topic"}, "sensor": {"state_topic"}}
OPTIONAL = {
    "event": {"value_template"},
    "sensor": {
        "expire_after", "force_update", "last_reset_value_template", "options", "state_class",
        "suggested_display_precision", "unit_of_measurement", "value_template",
    },
}  # fmt: skip


def check_discovery(topic: str, payload: dict[str, Any]) -> None:
    """What Home Assistant documents: topic, required and known members, members of the device and the origin."""
    prefix, component, node, obj, config = topic.split("/")
    assert (prefix, config) == ("homeassistant", "config")
    for part in (node, obj):
        assert part and all(letter.isascii() and (letter.isalnum() or letter in "_-") for letter in part)
    assert REQUIRED[component] <= payload.keys() <= REQUIRED[component] | OPTIONAL[component] | COMMON
    assert payload["device"].keys() <= DEVICE and payload["device"]["identifiers"]
    assert payload["origin"]["name"] and payload["unique_id"]


def check_frigate(payload: dict[str, Any], *, name: str | None) -> None:
    """What Frigate documents for faces on ``tracked_object_update``."""
    assert payload.keys() == {"type", "id", "name", "score", "camera", "timestamp"}
    assert payload["type"] == "face" and payload["name"] == name and payload["camera"] == "front"
    assert 0 <= payload["score"] <= 1 and isinstance(payload["timestamp"], float)
    moment, _, rest = payload["id"].partition("-")
    assert float(moment) == pytest.approx(payload["timestamp"]) and rest.isalnum()


def check_told(told: Callable[[str], list[bytes]]) -> None:
    """All that a broker has of the two events of ``data``."""
    known, unknown = [json.loads(one) for one in told("home/front/face")]
    assert (known["event_type"], known["name"], known["Similarity"]) == ("known", "Ann", 98.5)
    assert (unknown["event_type"], unknown["name"]) == ("unknown", None) and "Picture" not in known
    ann, nobody = [json.loads(one) for one in told("home/tracked_object_update")]
    check_frigate(ann, name="Ann")
    check_frigate(nobody, name=None)
    assert ann["score"] == 0.985 and ann["id"] != nobody["id"]


def test_a_broker_has_what_home_assistant_and_frigate_users_know(data: Path) -> None:
    broker = Broker()
    with running(data, engine=BlobEngine()) as server:
        ask(server, "stream destination set", name="home", url=broker.url, prefix="home", past=True)
        assert eventually(lambda: len(broker.topic("home/tracked_object_update")) == 2)
        check_told(broker.topic)
        correct(server, 2, FaceId=server.client().list_faces(CollectionId="staff")["Faces"][0]["FaceId"])
        assert eventually(lambda: len(broker.topic("home/front/face")) == 3)
        assert json.loads(broker.topic("home/front/face")[2])["event_type"] == "corrected"
        assert broker.retained["home/available"] == b"online"
    assert broker.retained["home/available"] == b"offline"
    configs = {topic: json.loads(payload) for topic, payload in broker.retained.items() if topic.endswith("/config")}
    assert len(configs) == 2
    for topic, payload in configs.items():
        check_discovery(topic, payload)
        assert payload["state_topic"] == "home/front/face" and payload["availability_topic"] == "home/available"
    (event,) = [one for topic, one in configs.items() if "/event/" in topic]
    assert {json.loads(one)["event_type"] for one in broker.topic("home/front/face")} <= set(event["event_types"])
    broker.shut()


def test_a_broker_that_is_lost_gets_what_it_missed(data: Path) -> None:
    broker = Broker()
    port = broker.port
    with running(data, engine=BlobEngine()) as server:
        ask(server, "stream destination set", name="home", url=broker.url, prefix="home", past=True)
        assert eventually(lambda: len(broker.topic("home/front/face")) == 2)
        broker.shut()
        correct(server, 1)
        assert eventually(lambda: state(server)["attempt"] >= 1)
        again = Broker(port)
        assert eventually(lambda: len(again.topic("home/front/face")) == 1)
        assert json.loads(again.topic("home/front/face")[0])["Corrects"] == 1
        again.shut()


def test_a_broker_lets_in_who_has_the_password(data: Path) -> None:
    broker = Broker()
    broker.password = "right"
    where = {"name": "home", "url": broker.url, "prefix": "home", "user": "custodes", "past": True}
    with running(data, engine=BlobEngine()) as server:
        ask(server, "stream destination set", password="wrong", **where)
        assert eventually(lambda: state(server)["attempt"] >= 1) and not broker.topic("home/front/face")
        ask(server, "stream destination set", password="right", **where)
        assert eventually(lambda: len(broker.topic("home/front/face")) == 2)
        assert "right" not in json.dumps(state(server))
    broker.shut()


@pytest.mark.skipif(shutil.which("mosquitto") is None, reason="needs the broker mosquitto (Debian: mosquitto)")
def test_mosquitto_takes_it(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with mosquitto(port), running(data, engine=BlobEngine()) as server:
        told: dict[str, list[bytes]] = {}
        ready = threading.Event()
        client = Client(CallbackAPIVersion.VERSION2)
        client.on_message = lambda _client, _data, one: told.setdefault(one.topic, []).append(one.payload)
        client.on_subscribe = lambda *_: ready.set()
        eventually(lambda: _connected(client, port))
        client.loop_start()
        client.subscribe("#", qos=1)
        assert ready.wait(10)
        ask(server, "stream destination set", name="home", url=f"mqtt://127.0.0.1:{port}", prefix="home", past=True)
        assert eventually(lambda: len(told.get("home/tracked_object_update", ())) == 2)
        check_told(lambda topic: told[topic])
        client.disconnect()
        client.loop_stop()


def _connected(client: Client, port: int) -> bool:
    try:
        return client.connect("127.0.0.1", port) == 0
    except OSError:
        return False


@contextmanager
def mosquitto(port: int) -> Iterator[None]:
    with subprocess.Popen(["mosquitto", "-p", str(port)], stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()
