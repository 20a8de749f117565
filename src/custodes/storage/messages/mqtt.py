"""Events published to a broker of MQTT, in the shapes that users of Home Assistant and of Frigate know.

In: an event and its destination. Out: messages of QoS 1 that the broker confirmed:

- ``PREFIX/PROCESSOR/face``: the event, with ``event_type`` and ``name``: what an event entity of Home Assistant reads;
- ``PREFIX/tracked_object_update``: what Frigate publishes for a face;
- ``homeassistant/event/…/config`` and ``homeassistant/sensor/…/config``, retained, so that Home Assistant finds both;
- ``PREFIX/available``, retained: ``online``, and ``offline`` when the connection is lost.

Source: home-assistant.io/integrations/mqtt (discovery), event.mqtt, sensor.mqtt; docs.frigate.video/integrations/mqtt.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import orjson
from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from custodes.core.errors import UnavailableError
from custodes.operations.streams.ports import KeptEvent
from custodes.video.live.destination import EventDestination
from custodes.video.live.event import EventKind, StreamEvent

DISCOVERY_PREFIX = "homeassistant"
"""Source: Home Assistant's default."""
EVENT_TYPES = ("known", "unknown", "corrected")
_TIMEOUT_S = 10.0
_KEEP_ALIVE_S = 60
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")


class MqttBrokers:
    """Implements ``EventSender`` for ``mqtt://`` and ``mqtts://``. Connections are kept."""

    def __init__(self) -> None:
        """Nothing is connected yet."""
        self._lock = threading.Lock()
        self._lines: dict[tuple[str, str], _Line] = {}  # guarded by _lock

    def send(self, destination: EventDestination, kept: KeptEvent, members: Mapping[str, Any]) -> None:
        """See EventSender."""
        with self._lock:
            line = self._lines.setdefault((destination.account_id, destination.name), _Line())
        with line.lock:
            connection = line.connected(destination)
            try:
                connection.publish(messages(destination, kept, members, connection.announced))
            except UnavailableError:
                line.drop()
                raise

    def close(self) -> None:
        """End all connections."""
        with self._lock:
            lines = list(self._lines.values())
            self._lines.clear()
        for line in lines:
            with line.lock:
                line.drop()


class _Line:
    """What leads to one destination; whoever uses it holds ``lock``, so that a slow broker delays no other."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._connection: _Connection | None = None

    def connected(self, destination: EventDestination) -> _Connection:
        """A connection to where ``destination`` is now. Raises UnavailableError."""
        if self._connection is None or not self._connection.serves(destination):
            self.drop()
            self._connection = _Connection(destination)
        return self._connection

    def drop(self) -> None:
        """Hang up, if there is a connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _Connection:
    """One connection to a broker; ``announced`` are the processors that Home Assistant was told of."""

    def __init__(self, destination: EventDestination) -> None:
        """Connect. Raises UnavailableError."""
        self.announced: set[str] = set()
        self._place = _place(destination)
        self._ready, self._refusal = threading.Event(), ""
        url = urlsplit(destination.url)
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv311)
        if destination.user:
            self._client.username_pw_set(destination.user, destination.password)
        if url.scheme == "mqtts":
            self._client.tls_set()
        self._available = f"{destination.prefix}/available"
        self._client.will_set(self._available, "offline", qos=1, retain=True)
        self._client.on_connect = self._connected
        self._client.connect_timeout = _TIMEOUT_S
        try:
            self._client.connect(url.hostname or "", url.port or _PORTS[url.scheme], _KEEP_ALIVE_S)
        except (OSError, ValueError) as error:
            raise UnavailableError("The broker does not answer.") from error
        self._client.loop_start()
        if not self._ready.wait(_TIMEOUT_S) or self._refusal:
            self._client.loop_stop()
            raise UnavailableError(self._refusal or "The broker does not answer.")
        self.publish([(self._available, b"online", True)])

    def serves(self, destination: EventDestination) -> bool:
        """Whether it is still up, and to where ``destination`` is now."""
        return self._client.is_connected() and self._place == _place(destination)

    def publish(self, found: list[tuple[str, bytes, bool]]) -> None:
        """Topics with payloads, retained or not; returns once the broker confirmed all. Raises UnavailableError."""
        try:
            sent = [self._client.publish(topic, payload, qos=1, retain=retain) for topic, payload, retain in found]
            for one in sent:
                one.wait_for_publish(_TIMEOUT_S)
        except (RuntimeError, ValueError) as error:
            raise UnavailableError("The broker did not take the event.") from error
        if not all(one.is_published() for one in sent):
            raise UnavailableError("The broker did not take the event.")

    def close(self) -> None:
        """Say that nobody is there, and hang up."""
        with suppress(UnavailableError):
            if self._client.is_connected():
                self.publish([(self._available, b"offline", True)])
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._refusal = f"The broker refuses the connection: {reason}." if reason.is_failure else ""
        self._ready.set()


def messages(
    destination: EventDestination, kept: KeptEvent, members: Mapping[str, Any], announced: set[str]
) -> list[tuple[str, bytes, bool]]:
    """Topics, payloads, and whether the broker keeps each for those who come later.

    The configuration of a processor that is not among ``announced`` comes first, and is among them then.
    """
    event, prefix = kept.event, destination.prefix
    state = f"{prefix}/{event.processor}/face"
    found: list[tuple[str, bytes, bool]] = []
    if event.processor not in announced:
        announced.add(event.processor)
        found += _discovery(destination, event.processor, state)
    return [
        *found,
        (state, orjson.dumps({"event_type": _event_type(event), "name": name_of(event), **members}), False),
        (f"{prefix}/tracked_object_update", orjson.dumps(frigate_update(event)), False),
    ]


def name_of(event: StreamEvent) -> str | None:
    """Who it was, as far as is known."""
    return event.external_image_id or event.face_id


def frigate_update(event: StreamEvent) -> dict[str, Any]:
    """What Frigate publishes for a recognised face: times in seconds, the score from 0 to 1."""
    return {
        "type": "face",
        "id": f"{event.ts_ms / 1000:.6f}-{event.session_id[:6]}{event.track}",
        "name": name_of(event),
        "score": round((event.similarity_pct or 0.0) / 100, 4),
        "camera": event.processor,
        "timestamp": event.ts_ms / 1000,
    }


def _discovery(destination: EventDestination, processor: str, state: str) -> list[tuple[str, bytes, bool]]:
    node = _node(destination, processor)
    common = {
        "state_topic": state,
        "availability_topic": f"{destination.prefix}/available",
        "device": {"identifiers": [node], "name": processor, "manufacturer": "Custodes", "model": "Stream processor"},
        "origin": {"name": "Custodes"},
    }
    event = {"name": "Face", "unique_id": f"{node}_face", "event_types": list(EVENT_TYPES), **common}
    sensor = {
        "name": "Last face",
        "unique_id": f"{node}_last_face",
        "value_template": "{{ value_json.name if value_json.name else 'unknown' }}",
        "icon": "mdi:face-recognition",
        **common,
    }
    return [
        (f"{DISCOVERY_PREFIX}/event/{node}/face/config", orjson.dumps(event), True),
        (f"{DISCOVERY_PREFIX}/sensor/{node}/last_face/config", orjson.dumps(sensor), True),
    ]


def _node(destination: EventDestination, processor: str) -> str:
    """An id of the letters that Home Assistant takes, another one for each account and processor."""
    digest = hashlib.sha256(f"{destination.account_id}/{destination.prefix}/{processor}".encode()).hexdigest()[:8]
    return f"custodes_{_UNFIT.sub('_', processor)}_{digest}"


def _event_type(event: StreamEvent) -> str:
    if event.kind is EventKind.CORRECTED:
        return "corrected"
    return "known" if event.is_known else "unknown"


def _place(destination: EventDestination) -> tuple[str, ...]:
    return destination.url, destination.user, destination.password, destination.prefix
