"""Pages about running a server, held against one: what they say to type is typed, as far as a test's machine goes."""

from __future__ import annotations

import http.client
import http.server
import os
import re
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import onnx
import onnxruntime
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from onnx import TensorProto, helper, numpy_helper

from tests.fakes.command import custodes
from tests.fakes.engine import SquareEngine
from tests.fakes.live import REGION, LiveServer, running

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "guides"


def commands(page: str, begin: str = "custodes ") -> list[list[str]]:
    """The words of each command of a page, also behind variables, over lines that are continued."""
    text = (GUIDES / page).read_text("utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    found = [line for line in lines if re.match(rf"(?:[A-Z_]+=\S+ )*{begin}", line)]
    return [shlex.split(line, comments=True) for line in found]


def typed(words: list[str], data: Path, models: Path | None = None) -> Any:
    """A command as the page has it, with its variables, in a shell that knows of no other server."""
    named = [word for word in words if re.match(r"[A-Z_]+=", word)]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CUSTODES_"))}
    variables = {**inherited, "CUSTODES_DATA": str(data / "data"), "CUSTODES_MODELS": str(models or data / "models")}
    return custodes(*words[len(named) + 1 :], variables={**variables, **dict(word.split("=", 1) for word in named)})


# Graphics processors


def test_a_graphics_processor_that_is_asked_for_and_not_there_is_said(tmp_path: Path, request: Any) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime knows graphics processors")
    ((program, *words),) = commands("gpu.md")
    assert (program, words) == ("custodes", ["serve", "--device", "cuda"])
    done = typed([program, *words], tmp_path, request.getfixturevalue("model_pack"))
    assert done.returncode == 1 and "onnxruntime-gpu" in done.stderr and "device cuda" in done.stderr


# Networks of one's own


def faces_to_vectors(dimension: int) -> bytes:
    """A network of the right form that knows nothing."""
    kernel = numpy_helper.from_array(np.zeros((1, 3, 112, 112), np.float32), "kernel")
    weights = numpy_helper.from_array(np.zeros((1, dimension), np.float32), "weights")
    nodes = [
        helper.make_node("Conv", ["data", "kernel"], ["seen"], strides=[112, 112]),
        helper.make_node("Flatten", ["seen"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["vector"]),
    ]
    taken = helper.make_tensor_value_info("data", TensorProto.FLOAT, ["batch", 3, 112, 112])
    given = helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["batch", dimension])
    graph = helper.make_graph(nodes, "blank", [taken], [given], [kernel, weights])
    return bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())


def test_the_commands_about_own_networks_are_understood_and_refuse_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_pack: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    embedder, listed, chosen, detector, its = commands("own-network.md")
    (tmp_path / "photos").mkdir()
    (tmp_path / "yunet").mkdir()

    def refused(words: list[str], why: str, models: Path | None = None) -> None:
        done = typed(words, tmp_path, models)
        assert done.returncode != 0 and why in done.stderr.replace("\n", " "), done.stderr
        assert "unexpected" not in done.stderr

    Path("LICENSE").write_text(" \n")
    refused(embedder, "auraface.onnx")
    Path("auraface.onnx").write_bytes(b"no network")
    Path("LICENSE").unlink()
    refused(embedder, "LICENSE")
    Path("LICENSE").write_text(" \n")
    refused(embedder, "licence")
    Path("LICENSE").write_text("Use it as you like.")
    refused(embedder, "ONNX")
    Path("auraface.onnx").write_bytes(faces_to_vectors(128))
    refused(embedder, "vectors of 512 numbers")
    Path("auraface.onnx").write_bytes(faces_to_vectors(512))
    refused(embedder, "sface")  # its form is right: the network that ships would be measured beside it
    refused(detector, "0 ONNX files")
    Path("yunet/yunet.onnx").write_bytes(onnx.helper.make_model(onnx.GraphProto()).SerializeToString())
    Path("yunet/LICENSE").write_text("MIT")
    refused(detector, "yunet")
    assert (typed(listed, tmp_path).returncode, typed(listed, tmp_path).stdout) == (0, "")
    refused(chosen, "auraface", model_pack)
    refused(its, "yunet", model_pack)


# Running it for others


def test_every_command_of_ours_on_the_page_on_running_exists() -> None:
    found = commands("running.md", begin=r"(?:/opt/custodes/bin/)?custodes ")
    assert len(found) >= 2
    for words in found:
        at = next(place for place, word in enumerate(words) if word.endswith("custodes")) + 1
        path = [word for word in words[at:] if re.fullmatch(r"[a-z]+", word)]
        help_ = custodes(*path[: 2 if path[0] == "models" else 1], "--help").stdout
        for flag in (word for word in words[at:] if word.startswith("--")):
            assert flag in help_, (words, flag)


def test_https_without_its_certificate_is_refused_before_anything_is_opened(tmp_path: Path, model_pack: Path) -> None:
    ((_, *words),) = [found for found in commands("running.md") if "--tls-cert" in found]
    done = typed(["custodes", *words], tmp_path, model_pack)
    assert done.returncode == 1 and "chain.pem" in done.stderr
    assert not (tmp_path / "data").exists()


class Proxy(http.server.BaseHTTPRequestHandler):
    """A proxy as nginx is one: ``passes`` says which Host it sends on."""

    backend = ""
    passes = "$http_host"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        host = self.headers["host"]
        sent = {**self.headers, "host": host if self.passes == "$http_host" else host.partition(":")[0]}
        connection = http.client.HTTPConnection(self.backend, timeout=10)
        connection.request("POST", self.path, body, {name.lower(): value for name, value in sent.items()})
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("date", "server", "transfer-encoding"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def proxied(server: LiveServer, passes: str) -> Iterator[Any]:
    """A client behind a proxy in front of ``server``."""
    handler = type("Configured", (Proxy,), {"backend": server.url.partition("//")[2], "passes": passes})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        key = server.deployment.keys.key
        yield boto3.client(
            "rekognition",
            endpoint_url=f"http://127.0.0.1:{proxy.server_address[1]}",
            region_name=REGION,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret,
            config=Config(retries={"total_max_attempts": 1}),
        )
        proxy.shutdown()


def test_a_proxy_passes_the_host_on_with_its_port(tmp_path: Path) -> None:
    text = (GUIDES / "running.md").read_text("utf-8")
    (said,) = re.findall(r"`proxy_set_header Host (\$\w+);`", text)
    (other,) = re.findall(r"\(`(\$host)` has no port", text)
    with running(tmp_path / "data", engine=SquareEngine()) as server:
        with proxied(server, said) as client:
            assert client.list_collections()["CollectionIds"] == []
        with proxied(server, other) as client, pytest.raises(ClientError) as refused:
            client.list_collections()
    (code,) = set(re.findall(r"would be refused with\s+`(\w+)`", text))
    assert refused.value.response["Error"]["Code"] == code
