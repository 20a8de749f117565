"""Small archives, models and cards made by code."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace

import onnx

from custodes.models.card import Archive, FilePin, ModelCard, load_cards


def tiny_onnx(input_name: str = "rgb", output_name: str = "sum", size: int = 4) -> bytes:
    """A model that adds 1 to a (batch, size) tensor."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    one = onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(helper.make_tensor("", kind, [1], [1.0])), "one")
    graph = helper.make_graph(
        [helper.make_node("Add", [input_name, "one"], [output_name])],
        "tiny",
        [helper.make_tensor_value_info(input_name, kind, ["batch", size])],
        [helper.make_tensor_value_info(output_name, kind, ["batch", size])],
        [one],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString(deterministic=True))


def zipped(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            # A ZipInfo of its own has a fixed date: the same bytes at any time.
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def tarred(members: Mapping[str, bytes | str]) -> bytes:
    """A tar.gz; a str value makes a symbolic link to it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(data, str):
                info.type, info.linkname = tarfile.SYMTYPE, data
                archive.addfile(info)
            else:
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tiny_card(content: bytes, model: bytes, source: str = "pip:tiny==1.0", file: str = "tiny-1.0.whl") -> ModelCard:
    """A card over an archive with these bytes that holds ``model`` as tiny/model.onnx."""
    base = load_cards()["centerface"]
    archive = Archive(source, file, sha256(content), len(content))
    pins = (FilePin("tiny/model.onnx", sha256(model)),)
    tensor = replace(base.input, shape=("batch", 4))
    output = replace(base.outputs[0], name="sum", shape=("batch", 4))
    return replace(base, name="tiny", archive=archive, files=pins, importer="onnx", input=tensor, outputs=(output,))
