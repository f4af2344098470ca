"""The kinds of windows: where a stage looks, given what is known of a face."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from google.protobuf.message import Message

from protoface.converters.errors import ProtofaceError

from .. import cascade_pb2
from ..kinds import Kinds
from ..layouts import Layout
from .levels import Levels
from .mode import Mode
from .window import Box, Floats, Points, Size, Window


class WindowKind(ABC):
    """A rule by which a window lies over a face.

    `parameter` is the message of the rule's own name; a rule that it cannot follow is a ProtofaceError
    that says why, without the stage. `needs_points`: the stage before must have found points;
    `needs_box`: the caller must give a box, or a stage before have found one; `whole`: it is the whole
    picture unless a box is given; `levels`: its sizes, where it is run on all of it. `begins`: a face
    without points gets some. `patch`: if not 0, the net looks through a window around each point, that
    part of the whole one's side.
    """

    needs_points = False
    needs_box = False
    begins = False
    whole = False
    levels: Levels | None = None
    patch = 0.0

    def __init__(self, parameter: Message, layout: Layout, mode: Mode) -> None:
        self.mode = mode

    def first_points(self, size: Size, box: Box | None) -> Points:
        """Of a window that `begins`: the points (n, 2) that a face without any has, by its box."""
        raise NotImplementedError

    @abstractmethod
    def over(self, size: Size, box: Box | None, points: Floats | None) -> Window:
        """The window in a picture of (rows, columns); empty if it would show nothing.

        `box` (4) x, y, width, height is given by the caller or found, `points` (n, 2) by the stage
        before.
        """

    def over_all(
        self, sizes: Sequence[Size], boxes: Sequence[Box | None], points: Sequence[Floats | None]
    ) -> list[Window]:
        """The windows of many faces: `over` for each."""
        return [self.over(*each) for each in zip(sizes, boxes, points, strict=True)]


WINDOWS: Kinds[WindowKind] = Kinds("window", __package__)


def make_window(
    parameter: cascade_pb2.WindowParameter, layout: Layout, mode: Mode, where: str
) -> WindowKind:
    """The rule that a message describes. Raises ProtofaceError beginning with `where`."""
    name, kind = WINDOWS.find(parameter, where)
    if name in mode.LACKS:
        raise ProtofaceError(
            f"{where} looks through a {name} window, which {mode.NAME} mode does not have; "
            "use clean mode"
        )
    try:
        return kind(getattr(parameter, name), layout, mode)
    except ProtofaceError as error:
        raise ProtofaceError(f"{where}: {error}") from error
