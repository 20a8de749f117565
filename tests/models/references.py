"""The reference implementations that our conversions are held against: dlib, tfjs in Node, the ONNX file as shipped.

In: a card, its original files and pictures (batch, 3, height, width), RGB 0..255. Out: the card's outputs by name, laid
out as ours. ``python tests/models/references.py`` (with tests/ and src/ importable) rewrites tests/models/golden.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from custodes.models.card import ModelCard
from custodes.models.importers.weights.torch_file import read_torch

Floats = NDArray[np.float32]
TFJS = "4.22.0"
_PACKAGES = [f"@tensorflow/tfjs-{part}@{TFJS}" for part in ("core", "converter", "backend-cpu")]
_GRAY = np.array([0.2989, 0.5870, 0.1140], np.float32)


def reference(card: ModelCard, files: Mapping[str, bytes], pictures: Floats, cache: Path) -> dict[str, Floats]:
    """Outputs of the reference implementation of ``card``."""
    if card.importer == "centerface":
        return _shipped_onnx(card, files, pictures)
    if card.importer == "dlib-resnet":
        return _dlib(files, pictures)
    if card.importer == "efficientnet-lite":
        return efficientnet_lite(card, read_torch(next(iter(files.values()))), pictures)
    if card.importer == "yolo":
        return _shipped_onnx(card, files, pictures / np.float32(255))
    if card.importer == "face-embedder":
        return _dequantising_onnx(card, files, pictures)
    if card.importer == "paddle":
        return _paddle(card, files, pictures)
    if card.importer == "faceapi-expression":
        return _faceapi(card, files, pictures, cache)
    return _tfjs(card, files, pictures, cache)


def _paddle(card: ModelCard, files: Mapping[str, bytes], pictures: Floats) -> dict[str, Floats]:
    """The file as shipped: it takes BGR, -1..1, and a recogniser gives all probabilities."""
    import onnxruntime

    runtime = onnxruntime.InferenceSession(files[card.files[0].member], providers=["CPUExecutionProvider"])
    (values,) = runtime.run(None, {runtime.get_inputs()[0].name: (pictures[:, ::-1] / 255 - 0.5) / 0.5})
    if len(card.outputs) == 1:
        return {card.outputs[0].name: values}
    return {"symbol": values.argmax(axis=2).astype(np.float32), "probability": values.max(axis=2)}


def _shipped_onnx(card: ModelCard, files: Mapping[str, bytes], pictures: Floats) -> dict[str, Floats]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    runtime = onnxruntime.InferenceSession(files[card.files[0].member], options, providers=["CPUExecutionProvider"])
    values = runtime.run(None, {runtime.get_inputs()[0].name: pictures})
    return dict(zip([spec.name for spec in card.outputs], values, strict=True))


def _dequantising_onnx(card: ModelCard, files: Mapping[str, bytes], pictures: Floats) -> dict[str, Floats]:
    """The file as shipped, which ONNX Runtime opens once the inputs that no operator reads are struck out."""
    import onnx
    import onnxruntime

    model = onnx.load_model_from_string(files[card.files[0].member])
    read = {name for node in model.graph.node for name in node.input}
    kept = [value for value in model.graph.input if value.name in read]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    runtime = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    rows = [runtime.run(None, {"data": picture[None]})[0] for picture in pictures]
    return {card.outputs[0].name: np.concatenate(rows)}


def _dlib(files: Mapping[str, bytes], pictures: Floats) -> dict[str, Floats]:
    import dlib

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.dat"
        path.write_bytes(next(iter(files.values())))
        network = dlib.face_recognition_model_v1(str(path))
    chips = [np.ascontiguousarray(picture.transpose(1, 2, 0).astype(np.uint8)) for picture in pictures]
    return {"embedding": np.array([network.compute_face_descriptor(chip) for chip in chips], np.float32)}


def install_tfjs(cache: Path) -> Path:
    """Folder of node_modules with tfjs; installed once. Raises OSError or CalledProcessError when it cannot be."""
    return _install(cache / f"tfjs-{TFJS}", _PACKAGES, "@tensorflow/tfjs-converter")


def _install(folder: Path, packages: Sequence[str], sign: str) -> Path:
    if not (folder / "node_modules" / sign).is_dir():
        npm = shutil.which("npm")
        if npm is None:
            raise FileNotFoundError("npm is not on this machine")
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--no-save", "--prefix", str(folder)]
        subprocess.run([npm, "install", *options, *packages], check=True, capture_output=True, timeout=240)
    return folder / "node_modules"


def _faceapi(card: ModelCard, files: Mapping[str, bytes], pictures: Floats, cache: Path) -> dict[str, Floats]:
    """The network as the library itself runs it."""
    package = card.archive.source.removeprefix("npm:")
    modules = _install(cache / "face-api", [package], package.rsplit("@", 1)[0])
    library = modules / package.rsplit("@", 1)[0] / "dist" / "face-api.js"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for place, pin in zip(("manifest.json", "weights.bin"), card.files, strict=True):
            (folder / place).write_bytes(files[pin.member])
        rows = []
        for picture in pictures:
            (folder / "input.f32").write_bytes(picture.transpose(1, 2, 0).astype("<f4").tobytes())
            script = Path(__file__).with_name("faceapi_reference.cjs")
            given = [folder / part for part in ("manifest.json", "weights.bin", "input.f32")]
            command = ["node", script, library, *given, str(picture.shape[1]), folder / "out.json"]
            subprocess.run(command, check=True, capture_output=True, timeout=240)
            rows.append(json.loads((folder / "out.json").read_text())["values"])
    return {card.outputs[0].name: np.array(rows, np.float32)}


def _tfjs(card: ModelCard, files: Mapping[str, bytes], pictures: Floats, cache: Path) -> dict[str, Floats]:
    modules = install_tfjs(cache)
    nodes = card.options["outputs"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for member, data in files.items():
            (folder / member.rsplit("/", 1)[-1]).write_bytes(data)
        if card.options.get("bundle"):
            _unwrap(folder)
        model = folder / card.files[0].member.rsplit("/", 1)[-1].replace(".min.js", ".json")
        results = []
        for picture in pictures:
            prepared = _prepared(card, picture)
            (folder / "input.f32").write_bytes(prepared.astype("<f4").tobytes())
            script = Path(__file__).with_name("tfjs_reference.cjs")
            shape = ",".join(str(size) for size in prepared.shape)
            command = ["node", script, model, folder / "input.f32", shape, folder / "out.json", *nodes.values()]
            environment = {**os.environ, "NODE_PATH": str(modules)}
            subprocess.run(command, check=True, env=environment, capture_output=True, timeout=240)
            results.append(json.loads((folder / "out.json").read_text()))
    return {name: np.concatenate([_laid_out(card, result[node]) for result in results]) for name, node in nodes.items()}


def _unwrap(folder: Path) -> None:
    """Has Node load each module as what it is, and write what it exports under the names of the plain format."""
    script = (
        "const fs = require('fs');"
        "for (const name of fs.readdirSync('.')) {"
        "  const data = require(process.cwd() + '/' + name);"
        "  const plain = name.replace('.min.js', '');"
        "  if (typeof data === 'string') fs.writeFileSync(plain, Buffer.from(data, 'base64'));"
        "  else fs.writeFileSync(plain + '.json', JSON.stringify(data));"
        "}"
    )
    subprocess.run(["node", "-e", script], check=True, cwd=folder, capture_output=True, timeout=60)


def efficientnet_lite(
    card: ModelCard, weights: Mapping[str, NDArray[np.float32]], pictures: Floats
) -> dict[str, Floats]:
    """The network layer by layer in numpy, normalisation apart from convolutions, padding added by hand."""

    def layer(x: Floats, name: str, norm: str, stride: int = 1, each: bool = False) -> Floats:
        kernel = weights[f"{name}.weight"]
        size, side = kernel.shape[2], x.shape[2]
        total = max((-(-side // stride) - 1) * stride + size - side, 0)
        before = total // 2
        x = np.pad(x, ((0, 0), (0, 0), (before, total - before), (before, total - before)))
        windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (2, 3))[:, :, ::stride, ::stride]
        how = "nchwij,cij->nchw" if each else "nchwij,ocij->nohw"
        out = np.einsum(how, windows, kernel[:, 0] if each else kernel, optimize=True)
        gamma, beta, mean, variance = (
            weights[f"{norm}.{part}"][:, None, None] for part in ("weight", "bias", "running_mean", "running_var")
        )
        return ((out - mean) / np.sqrt(variance + 1e-3) * gamma + beta).astype(np.float32)

    relu6 = lambda x: np.clip(x, 0, 6)  # noqa: E731
    mean, scale = (np.array(card.options[key], np.float32)[:, None, None] for key in ("mean", "scale"))
    x = relu6(layer((pictures - mean) * scale, "_conv_stem", "_bn0", 2))
    strides = {1: 2, 4: 2, 7: 2, 15: 2}  # the first block of the stages that halve the picture, at depth 1.2
    for number in range(1 + max(int(key.split(".")[1]) for key in weights if key.startswith("_blocks."))):
        name, entry = f"_blocks.{number}", x
        if f"{name}._expand_conv.weight" in weights:
            x = relu6(layer(x, f"{name}._expand_conv", f"{name}._bn0"))
        x = relu6(layer(x, f"{name}._depthwise_conv", f"{name}._bn1", strides.get(number, 1), each=True))
        x = layer(x, f"{name}._project_conv", f"{name}._bn2")
        x = x + entry if x.shape == entry.shape else x
    features = relu6(layer(x, "_conv_head", "_bn1")).mean((2, 3))
    logits = (features @ weights["_fc.weight"].T + weights["_fc.bias"]).astype(np.float32)
    return {"logits": logits, "features": features.astype(np.float32)}


def _prepared(card: ModelCard, picture: Floats) -> Floats:
    """What the network's own input takes, computed without our importer."""
    options = card.options
    scale = np.array(options.get("scale", 1.0), np.float32)
    pixels = picture.transpose(1, 2, 0) - np.array(options.get("mean", [0, 0, 0]), np.float32)
    if scale.ndim:
        pixels, scale = pixels * scale, np.float32(1.0)
    channels = options.get("channels", "rgb")
    if channels == "bgr":
        pixels = pixels[..., ::-1]
    elif channels == "gray":
        pixels = (pixels @ _GRAY)[..., None]
    pixels = (pixels * scale)[None]
    return pixels.transpose(0, 3, 1, 2) if card.name == "nanodet" else pixels


def _laid_out(card: ModelCard, result: Mapping[str, object]) -> Floats:
    array = np.array(result["values"], np.float32).reshape(result["shape"])  # type: ignore[call-overload]
    if array.ndim == 4 and card.name != "nanodet":  # which has its channels first already
        array = array.transpose(0, 3, 1, 2)
        array = array[:, :, 0, 0] if array.shape[2:] == (1, 1) else array
    return array
