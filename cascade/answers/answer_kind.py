"""The kinds of answers: what one output of a net says of a face."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from protoface.converters.errors import ProtofaceError

from .. import cascade_pb2
from ..face import Candidate
from ..kinds import Kinds
from ..layouts import Layout
from ..windows.mode import Mode
from ..windows.window import Floats, Window
from .map_places import Map, Places, make_map


class AnswerKind(ABC):
    """One output of a stage's net.

    `blob` is the output's name, "" where the net has one. `shape` is that of one candidate's part of
    it; 0 stands for any size. `map` says which cells the places of a map speak of; None if the output
    is of one candidate, which it cannot be if it `needs_map`, and must be if it `needs_window`.
    `gives_...`: what it says. `mirrors`: whether it is known what it says of a mirrored picture.
    `on_device`: whether a DeviceCascade reads it.
    """

    blob: str
    shape: tuple[int, ...]
    map: Map | None = None
    gives_score = gives_points = gives_box = False
    #: The name of the feature that it gives to later stages; "" of another kind.
    gives_feature = ""
    #: Whether a candidate must have points before.
    needs_points = False
    needs_map = False
    needs_window = False
    mirrors = True
    on_device = False

    def __init__(self, parameter: Any, layout: Layout, mode: Mode) -> None:
        self.layout, self.mode = layout, mode

    @abstractmethod
    def read(
        self, values: Floats, windows: Sequence[Window], candidates: Sequence[Candidate]
    ) -> Sequence[Candidate]:
        """Candidates (n) with what values (n, *shape) say of them; `windows` are the first view's."""

    @abstractmethod
    def read_places(self, values: Floats, places: Places) -> Places:
        """Places (n) of a map with what values (n, channels) say of them."""

    @abstractmethod
    def mirrored(self, values: Floats) -> Floats:
        """What values (n, *shape) of mirrored pictures say of the pictures as they are."""

    @property
    def wanted(self) -> tuple[int, ...] | None:
        """The shape of the output without its batch: of a map with rows and columns, of any number.

        None where it may be any.
        """
        return self.shape if self.map is None else (*self.shape, 0, 0)

    def told(self, shape: tuple[int, ...]) -> None:  # noqa: B027
        """Told the shape of its blob, without the batch, where the net is known."""

    def check(self, channels: int, where: str) -> None:  # noqa: B027
        """Raise ProtofaceError with `where` if the output has too few channels."""

    def scores(self, values: Floats) -> Floats:
        """Of an answer that `gives_score` the scores (n, ...) in values (n, channels, ...)."""
        raise NotImplementedError


ANSWERS: Kinds[AnswerKind] = Kinds("answer", __package__)


def make_answers(
    stage: cascade_pb2.StageParameter, layout: Layout, mode: Mode, where: str
) -> list[AnswerKind]:
    """The answers of a stage; where it names none, its net's one output holds the points.

    Raises ProtofaceError beginning with `where`.
    """
    points = cascade_pb2.AnswerParameter(points=cascade_pb2.PointsAnswer())
    answers = []
    for parameter in stage.answer or [points]:
        name, kind = ANSWERS.find(parameter, where)
        try:
            answers.append(kind(getattr(parameter, name), layout, mode))
        except ProtofaceError as error:
            raise ProtofaceError(f"{where}: {error}") from error
        answers[-1].blob = parameter.blob
        if parameter.HasField("map"):
            answers[-1].map = make_map(parameter.map, where)
    if len({answer.blob for answer in answers}) < len(answers):
        raise ProtofaceError(f"{where}: several answers need the blob of each, all different")
    return answers
