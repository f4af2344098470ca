"""The kinds of views: what one input of a net is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protoface.converters.errors import ProtofaceError

from .. import cascade_pb2
from ..face import Candidate
from ..kinds import Kinds
from ..layouts import Layout
from ..windows.halves import Picture
from ..windows.levels import Level, Levels
from ..windows.mode import Mode
from ..windows.window import Floats, Window

#: What one input of a net is fed: (n, channels, height, width) float32.
Batch = NDArray[np.float32]


class ViewKind(ABC):
    """One input of a stage's net.

    `blob` is the input's name, "" where the net has one. `shape` is that of one candidate's part of
    it; 0 stands for any size. `pixels` are those of an input, usually. `levels`: the sizes in which it
    shows all of a picture, instead of windows. `where` names the stage in errors.
    """

    blob: str
    shape: tuple[int, ...]
    pixels: int
    levels: Levels | None = None
    #: The name of the feature that it shows; "" of another kind.
    reads = ""
    #: Whether it is known what it would show of a mirrored picture.
    mirrors = True
    #: Whether it gives points to a candidate that has none: see `begun`.
    begins = False
    #: Whether a candidate must have points, or a box, before it can be looked at.
    needs_points = False
    needs_box = False

    def __init__(self, parameter: Any, layout: Layout, mode: Mode, where: str) -> None:
        self.layout, self.mode = layout, mode

    @property
    def wanted(self) -> tuple[int, ...] | None:
        """The shape of the net's input without its batch; None where it may be any."""
        return self.shape

    def begun(self, candidate: Candidate) -> Candidate:
        """The candidate with the points that it has before the stage looks, as the first view says."""
        return candidate

    @abstractmethod
    def windows(self, candidates: Sequence[Candidate]) -> list[Window]:
        """Where it looks, for each candidate; empty windows where there is nothing to see."""

    def windows_beside(
        self, candidates: Sequence[Candidate], others: Sequence[Sequence[Window]]
    ) -> Sequence[Window]:
        """`windows`, where those of the views before it are known: the first one's may be its own."""
        return self.windows(candidates)

    @abstractmethod
    def show(
        self,
        images: Sequence[Picture],
        windows: Sequence[Window],
        candidates: Sequence[Candidate],
    ) -> Batch:
        """The input (n, *shape) for windows (n) of pictures (n), H x W x 3 uint8 BGR each.

        Pictures may come with their halves, which views and stages then share.
        """

    def told(self, shape: tuple[int, ...]) -> None:  # noqa: B027
        """Told the shape of its blob, without the batch, where the net is known."""

    def show_level(self, image: Picture, level: Level) -> Floats:
        """All of a picture in one of its levels: (height, width, 3), what `fill` takes."""
        raise NotImplementedError

    def fill(self, parts: Sequence[Floats]) -> Batch:
        """The input (n, channels, height, width) for pixels (n) of equal size."""
        raise NotImplementedError

    @abstractmethod
    def mirrored(self, batch: Batch) -> Batch:
        """What it would show of mirrored pictures, out of what it shows (n, *shape) of them."""


VIEWS: Kinds[ViewKind] = Kinds("view", __package__)


def make_views(
    stage: cascade_pb2.StageParameter, layout: Layout, mode: Mode, where: str
) -> list[ViewKind]:
    """The views of a stage; `preprocess` and `window` stand for one of pixels.

    The first one's windows are what the answers are relative to. Raises ProtofaceError with `where`.
    """
    parameters = list(stage.view)
    if parameters and (stage.HasField("window") or stage.HasField("preprocess")):
        raise ProtofaceError(f"{where}: has views and a window or preprocess of its own; leave one out")
    if not parameters:
        pixels = cascade_pb2.PixelsView(window=stage.window, preprocess=stage.preprocess)
        parameters = [cascade_pb2.ViewParameter(pixels=pixels)]
    views = []
    for parameter in parameters:
        name, kind = VIEWS.find(parameter, where)
        views.append(kind(getattr(parameter, name), layout, mode, where))
        views[-1].blob = parameter.blob
    if len({view.blob for view in views}) < len(views):
        raise ProtofaceError(f"{where}: several views need the blob of each, all different")
    return views
