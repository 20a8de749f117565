"""DetectLabels between AWS members and commands."""

from __future__ import annotations

from custodes.core.box import Size
from custodes.edge.aws.translate.members import bounding_box, image_input
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.engine.results.label import Appearance, DominantColour, Instance, Label
from custodes.operations.images.detect_labels import (
    DEFAULT_COLOURS,
    DetectLabels,
    Feature,
    LabelDetection,
    LabelFilters,
    LabelsDetected,
)
from custodes.operations.requests.gate import Gate


def handlers(gate: Gate, detection: LabelDetection) -> dict[str, Handler]:
    """Handlers of this family by operation."""
    return {"DetectLabels": gated(gate, detect_command, detection.detect_labels, detect_output)}


def detect_command(params: Params) -> DetectLabels:
    """Parameters of DetectLabels; an empty list of features is the default."""
    settings = params.get("Settings", {})
    general = settings.get("GeneralLabels", {})
    filters = LabelFilters(
        include=frozenset(general.get("LabelInclusionFilters", ())),
        exclude=frozenset(general.get("LabelExclusionFilters", ())),
        include_categories=frozenset(general.get("LabelCategoryInclusionFilters", ())),
        exclude_categories=frozenset(general.get("LabelCategoryExclusionFilters", ())),
    )
    return DetectLabels(
        image=image_input(params["Image"]),
        features=frozenset(Feature(name) for name in params.get("Features") or (Feature.GENERAL_LABELS,)),
        max_labels=params.get("MaxLabels"),
        min_confidence_pct=params.get("MinConfidence"),
        filters=filters,
        max_colours=settings.get("ImageProperties", {}).get("MaxDominantColors", DEFAULT_COLOURS),
    )


def detect_output(result: LabelsDetected) -> Output:
    """Output of DetectLabels."""
    found = result.found
    output: Output = {
        "Labels": [label_output(label, found.size, colours=found.properties is not None) for label in found.labels],
        "LabelModelVersion": result.model_version,
    }
    if found.properties is not None:
        looks = found.properties
        front = None if looks.foreground is None else _appearance(looks.foreground)
        background = _appearance(looks.background)
        output["ImageProperties"] = _appearance(looks.whole) | {"Foreground": front, "Background": background}
    return output


def label_output(label: Label, size: Size, *, colours: bool) -> Output:
    """The structure ``Label``; ``colours`` says whether instances have theirs."""
    return {
        "Name": label.name,
        "Confidence": label.confidence_pct,
        "Instances": [_instance(instance, size, colours=colours) for instance in label.instances],
        "Parents": [{"Name": name} for name in label.parents],
        "Aliases": [{"Name": name} for name in label.aliases],
        "Categories": [{"Name": name} for name in label.categories],
    }


def _instance(instance: Instance, size: Size, *, colours: bool) -> Output:
    output: Output = {
        "BoundingBox": bounding_box(instance.box_px.to_ratio(size)),
        "Confidence": instance.confidence_pct,
    }
    return output | ({"DominantColors": [colour_output(colour) for colour in instance.colours]} if colours else {})


def _appearance(looks: Appearance) -> Output:
    return {
        "Quality": {
            "Brightness": looks.brightness_pct,
            "Sharpness": looks.sharpness_pct,
            "Contrast": looks.contrast_pct,
        },
        "DominantColors": [colour_output(colour) for colour in looks.colours],
    }


def colour_output(colour: DominantColour) -> Output:
    """The structure ``DominantColor``."""
    return {
        "Red": colour.red,
        "Green": colour.green,
        "Blue": colour.blue,
        "HexCode": colour.hex_code,
        "CSSColor": colour.css_name,
        "SimplifiedColor": colour.simple_name,
        "PixelPercent": colour.pixels_pct,
    }
