"""Traces of requests: which steps are spans, under one span for each request, with nothing about anybody in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from custodes.core.errors import UnavailableError
from custodes.deployment.tracing import Tracing, open_tracing
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.live import running

sdk = pytest.importorskip("opentelemetry.sdk.trace")
memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")


def test_where_the_time_of_a_search_goes_and_of_whom_nothing(tmp_path: Path) -> None:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    kept, provider = memory.InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracing = Tracing(provider.get_tracer("test"))
    with running(tmp_path / "data", engine=SquareEngine(), tracing=tracing) as server:
        client = server.client()
        client.create_collection(CollectionId="secret-people")
        photo = {"Bytes": picture(Square(1))}
        client.index_faces(CollectionId="secret-people", Image=photo, ExternalImageId="anna-k")
        kept.clear()
        client.search_faces_by_image(CollectionId="secret-people", Image=photo)
        spans = {span.name: span for span in kept.get_finished_spans()}
        root = spans["SearchFacesByImage"]
        under = {name for name, span in spans.items() if span.parent and span.parent.span_id == root.context.span_id}
        assert under == {"decide", "slot", "engine.detect", "engine.embed", "gallery.search_faces", "record"}
        assert len({span.context.trace_id for span in spans.values()}) == 1
        kept.clear()
        with pytest.raises(ClientError):
            client.describe_collection(CollectionId="secret-nobody")
        refused = {span.name: span for span in kept.get_finished_spans()}["DescribeCollection"]
        assert dict(refused.attributes) == {"custodes.error": "NotFoundError"}
        account = str(server.deployment.keys.account_id)
    everything = json.dumps([json.loads(span.to_json()) for span in (*spans.values(), refused)])
    for private in ("secret", "anna", account, server.deployment.keys.key.access_key_id):
        assert private not in everything


def test_nothing_is_wrapped_without_a_collector() -> None:
    with open_tracing("") as none:
        assert none is None


def test_a_collector_that_is_not_there_harms_nothing(tmp_path: Path) -> None:
    overrides = {"otlp_endpoint": "http://127.0.0.1:9/v1/traces"}
    with running(tmp_path / "data", overrides, engine=SquareEngine()) as server:
        assert server.client().list_collections()["CollectionIds"] == []


def test_without_the_libraries_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(UnavailableError, match=r"custodes\[otel\]"), open_tracing("http://127.0.0.1:9"):
        pass
