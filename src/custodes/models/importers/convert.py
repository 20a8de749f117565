"""From a card and its files to the bytes of its ONNX file: picks the importer, checks the result against the card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx

from custodes.models.card import ModelCard
from custodes.models.importers.backbone import BackboneFile, import_backbone
from custodes.models.importers.centerface import import_centerface
from custodes.models.importers.dlib_resnet import import_dlib_resnet
from custodes.models.importers.efficientnet_lite import Variant, import_efficientnet_lite
from custodes.models.importers.face_detector import import_face_detector
from custodes.models.importers.face_embedder import FaceInput, import_face_embedder
from custodes.models.importers.faceapi import import_faceapi_expression
from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.paddle import Tensors, import_paddle
from custodes.models.importers.tfjs.bundle import unwrapped
from custodes.models.importers.tfjs.graph import Channels, Picture, import_tfjs
from custodes.models.importers.yolo import import_yolo
from custodes.models.own import PixelInput

MADE_BY = f"custodes importers, onnx {onnx.__version__}"


def convert(card: ModelCard, files: Mapping[str, bytes]) -> bytes:
    """Convert the card's files (by member name).

    Raises:
        ImportFailedError: the files are not what the importer expects, or the result is not what the card promises.
    """
    first = files[card.files[0].member]
    if card.importer == "centerface":
        model = import_centerface(first)
    elif card.importer == "dlib-resnet":
        model = import_dlib_resnet(first)
    elif card.importer == "faceapi-expression":
        shards = {member.rsplit("/", 1)[-1]: data for member, data in files.items()}
        model = import_faceapi_expression(first, shards)
    elif card.importer == "tfjs":
        model = _tfjs(card, files)
    elif card.importer == "paddle":
        made = [(spec.name, spec.shape) for spec in card.outputs]
        model = import_paddle(card.name, first, Tensors((card.input.name, card.input.shape), made))
    elif card.importer == "efficientnet-lite":
        depth, side_px = float(card.options["depth"]), int(card.options["side_px"])
        variant = Variant(depth, side_px, _three(card.options["mean"]), _three(card.options["scale"]))
        model = import_efficientnet_lite(card.name, first, variant)
    elif card.importer == "face-embedder":
        model = import_face_embedder(card.name, first, _face_input(card))
    elif card.importer == "backbone":
        model = import_backbone(card.name, first, _backbone_file(card))
    elif card.importer == "face-detector":
        outputs = {spec.name: spec.shape[-1] for spec in card.outputs if isinstance(spec.shape[-1], int)}
        model = import_face_detector(card.name, first, _pixels(card), outputs)
    elif card.importer == "yolo":
        model = import_yolo(first, int(card.options["side_px"]), int(card.options["classes"]))
    else:
        model = onnx.load_model_from_string(first)
    _check(card, model)
    return bytes(model.SerializeToString(deterministic=True))


def _tfjs(card: ModelCard, files: Mapping[str, bytes]) -> onnx.ModelProto:
    if card.options.get("bundle"):
        files = {member: unwrapped(data) for member, data in files.items()}
    by_name = {member.rsplit("/", 1)[-1].removesuffix(".min.js"): data for member, data in files.items()}
    model_json = files[card.files[0].member]
    options = card.options
    scale = options.get("scale", 1.0)
    picture = Picture(
        _three(scale) if isinstance(scale, list) else float(scale),
        _three(options.get("mean", (0.0, 0.0, 0.0))),
        Channels(options.get("channels", "rgb")),
        options.get("enters"),
    )
    model = import_tfjs(card.name, model_json, by_name, picture, options["outputs"])
    _open_sizes(card, model)
    return model


def _backbone_file(card: ModelCard) -> BackboneFile:
    side_px, dimension, token = card.input.shape[-1], card.outputs[0].shape[-1], card.options.get("token")
    if not isinstance(side_px, int) or not isinstance(dimension, int):
        raise ImportFailedError(f"{card.name}: a backbone has a fixed picture and a fixed dimension")
    options = card.options
    mean, scale = _three(options["mean"]), _three(options["scale"])
    pixels, output = str(options["pixels"]), str(options["output"])
    return BackboneFile(pixels, output, None if token is None else int(token), side_px, dimension, mean, scale)


def _face_input(card: ModelCard) -> FaceInput:
    side_px, dimension = card.input.shape[-1], card.outputs[0].shape[-1]
    if not isinstance(side_px, int) or not isinstance(dimension, int):
        raise ImportFailedError(f"{card.name}: a face embedder has a fixed picture and a fixed dimension")
    return FaceInput(side_px, dimension, _pixels(card))


def _pixels(card: ModelCard) -> PixelInput:
    options = card.options
    bgr = Channels(options.get("channels", "rgb")) is Channels.BGR
    return PixelInput(float(options.get("mean", 0.0)), float(options.get("scale", 1.0)), bgr)


def _open_sizes(card: ModelCard, model: onnx.ModelProto) -> None:
    """Free the sizes that the card leaves open: for networks of convolutions only, and sizes that halve as often."""
    for value, spec in zip([*model.graph.input, *model.graph.output], [card.input, *card.outputs], strict=False):
        for dim, size in zip(value.type.tensor_type.shape.dim[1:], spec.shape[1:], strict=False):
            if isinstance(size, str):
                dim.dim_param = size


def _three(numbers: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = numbers
    return float(red), float(green), float(blue)


def _check(card: ModelCard, model: onnx.ModelProto) -> None:
    promised = [card.input, *card.outputs]
    made = [*model.graph.input, *model.graph.output]
    if [_facts(value) for value in made] != [(spec.name, tuple(spec.shape)) for spec in promised]:
        found = ", ".join(f"{name}{list(shape)}" for name, shape in map(_facts, made))
        raise ImportFailedError(f"{card.name}: the converted tensors differ from the card: {found}")


def _facts(value: onnx.ValueInfoProto) -> tuple[str, tuple[int | str, ...]]:
    dims = value.type.tensor_type.shape.dim
    return value.name, tuple(dim.dim_param or dim.dim_value for dim in dims)
