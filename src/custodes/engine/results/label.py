"""What the engine says about a whole picture: labels, objects, colours and quality, as plain values with units."""

from __future__ import annotations

from dataclasses import dataclass

from custodes.core.box import BoxPx, Size


@dataclass(frozen=True, slots=True)
class DominantColour:
    """A colour that many pixels have.

    Attributes:
        red, green, blue: 0 to 255.
        css_name: the CSS colour name that looks most alike.
        simple_name: one of twelve plain names.
        pixels_pct: share of the pixels looked at, 0 to 100.
    """

    red: int
    green: int
    blue: int
    css_name: str
    simple_name: str
    pixels_pct: float

    @property
    def hex_code(self) -> str:
        """As CSS writes it, ``#rrggbb``."""
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"


@dataclass(frozen=True, slots=True)
class Instance:
    """One thing with its place; ``colours`` are those within its box, looked for only when colours were asked."""

    box_px: BoxPx
    confidence_pct: float
    colours: tuple[DominantColour, ...] = ()


@dataclass(frozen=True, slots=True)
class Label:
    """A name that is true of the picture, with the names above it.

    Attributes:
        name: from the taxonomy.
        confidence_pct: 0 to 100.
        instances: places where it is, surest first; empty for what fills the picture or was not located.
        parents: names of all labels above, nearest first.
        aliases: other names.
        categories: at least one for every label of the taxonomy.
    """

    name: str
    confidence_pct: float
    instances: tuple[Instance, ...]
    parents: tuple[str, ...]
    aliases: tuple[str, ...]
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Appearance:
    """How a picture or a part of it looks: three measures from 0 to 100, and colours by share."""

    brightness_pct: float
    sharpness_pct: float
    contrast_pct: float
    colours: tuple[DominantColour, ...]


@dataclass(frozen=True, slots=True)
class ImageProperties:
    """The looks of a picture, of its foreground (None where nothing stands out) and of the rest."""

    whole: Appearance
    foreground: Appearance | None
    background: Appearance


@dataclass(frozen=True, slots=True)
class LabelsWanted:
    """What to find out: labels at or above a confidence, looks, or both; at most how many colours of each part."""

    labels: bool = True
    properties: bool = False
    min_confidence_pct: float = 0.0
    max_colours: int = 10


@dataclass(frozen=True, slots=True)
class LabelsFound:
    """Labels surest first, and looks where they were asked for; pixels refer to ``size``."""

    size: Size
    labels: tuple[Label, ...]
    properties: ImageProperties | None
