"""The cascades that come with the package, and the short way to use one: `models()`, `detect()`.

Not models.py: a module of that name would take the place of the function `protoface.models`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from numpy.typing import ArrayLike

from protoface.cascade.cascade import Cascade, load
from protoface.cascade.definition import DEFAULT, NAMES, read_definition
from protoface.cascade.face import Face
from protoface.cascade.layouts import layout_of
from protoface.cascade.pictures import read_picture
from protoface.cascade.windows.window import Image


@dataclass(frozen=True)
class Model:
    """A cascade that comes with the package.

    `summary` is one sentence. `licence` is the title of the weights' licence, "" where no weights
    come along (`original`: train them, or name weights files). `notice` says what the weights may not
    be used for, "" for nothing.
    """

    name: str
    layout: str
    points: tuple[str, ...]
    summary: str
    licence: str
    notice: str


def models() -> dict[str, Model]:
    """The cascades that come with the package, by the name that `load` and `detect` take."""
    return {name: _model(name, path) for name, path in NAMES.items()}


def detect(
    image: Image | str | os.PathLike[str],
    model: str | os.PathLike[str] = DEFAULT,
    boxes: ArrayLike | None = None,
) -> list[Face]:
    """The faces in a picture, by a model that is loaded once in a process.

    `image` is H x W x 3 uint8 BGR, or a picture file. `model` is a key of `models()`, a
    `cascade.prototxt`, or a folder with one. `boxes` (n, 4) of x, y, width, height in pixels, one for
    each face, are for models that do not find faces themselves; without boxes those take the whole
    picture for one face. For backends, modes and other weights use `load`. Raises ProtofaceError.
    """
    picture = read_picture(Path(image)) if isinstance(image, str | os.PathLike) else image
    return _loaded(os.fspath(model)).detect(picture, boxes)


@cache
def _loaded(model: str) -> Cascade:
    return load(model)


def _model(name: str, path: Path) -> Model:
    definition = read_definition(path)
    layout = layout_of(definition, str(path))
    return Model(
        name, layout.name, layout.points, _summary(path), _licence(path.parent), definition.notice
    )


def _summary(path: Path) -> str:
    """The first sentence of the card beside a cascade, else of the comment at the top of its file."""
    card = path.with_name("card.md")
    if card.is_file():
        lines: Sequence[str] = card.read_text("utf-8").splitlines()[1:]  # the title is the name
    else:
        lines = [line.lstrip("# ") for line in path.read_text("utf-8").splitlines()]
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", " ".join(lines)).replace("`", "")
    return text.strip().partition(". ")[0].rstrip(".") + "."


def _licence(folder: Path) -> str:
    """The first line with text of the licence beside the weights."""
    path = folder / "LICENSE"
    return path.read_text("utf-8").strip().partition("\n")[0].strip() if path.is_file() else ""
