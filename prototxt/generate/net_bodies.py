"""The nets by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from .blocks import Layer
from .face_maps import FACE_MAPS, face_maps
from .finder import FINDER
from .mobilenet import ORIGINAL, mobilenet
from .size import Size
from .small import SMALL

#: Name -> the layers after `data`, to the points, for a Size; both phases alike.
BODIES: dict[str, Callable[[Size], Iterator[Layer]]] = {
    "original": partial(mobilenet, ORIGINAL),
    "small": partial(mobilenet, SMALL),
    "finder": partial(mobilenet, FINDER),
    "face_maps": partial(face_maps, FACE_MAPS),
}
#: Nets that no list of pictures with points trains: recipes do.
FOR_RECIPES = {"face_maps"}


def body(size: Size) -> Iterator[Layer]:
    """The layers of the net `size.net`."""
    return BODIES[size.net](size)
