"""What a recipe says of a stage that judges windows, checked."""

from __future__ import annotations

from typing import TypeVar

from protoface.cascade import cascade_pb2
from protoface.cascade.answers.answer_kind import AnswerKind, make_answers
from protoface.cascade.answers.face_box import BoxAnswer
from protoface.cascade.answers.face_score import ScoreAnswer
from protoface.cascade.answers.points import PointsAnswer
from protoface.cascade.layouts import DEFAULT, Layout, find_layout
from protoface.cascade.views.pixels import PixelsView, only_pixels
from protoface.cascade.windows import clean
from protoface.converters import ProtofaceError

from ..faces.window_losses import TaskWeights, WindowAnswers
from . import recipe_pb2
from .task_data import check_data

Answer = TypeVar("Answer", bound=AnswerKind)
#: Largest weight of a loss.
MOST_WEIGHT = 1000


def check_classifier(
    classifier: recipe_pb2.ClassifierParameter,
    stage: cascade_pb2.StageParameter,
    layout: Layout,
    where: str,
) -> None:
    """Raises ProtofaceError beginning with `where` for what is wrong with a stage's `classifier`."""
    classifier_view(stage, layout, where)
    window_answers(stage, layout, where)
    check_data(classifier.data, "classifier", where)
    mix = classifier.mix
    shares = {name: getattr(mix, name) for name in ("negative", "positive", "part", "points")}
    wrong = {
        "classifier's overlaps must be 0 < negative <= part <= positive < 1, not "
        f"{classifier.negative:g}, {classifier.part:g}, {classifier.positive:g}": not (
            0 < classifier.negative <= classifier.part <= classifier.positive < 1
        ),
        f"classifier's hard is {classifier.hard:g}; it must be above 0 and at most 1": not (
            0 < classifier.hard <= 1
        ),
        f"classifier's let_through is {classifier.let_through:g}; it must be from 0 to 1": not (
            0 <= classifier.let_through <= 1
        ),
        f"classifier's least_face is {classifier.least_face:g}; it must be 1 pixel or more": not (
            1 <= classifier.least_face < float("inf")
        ),
        "classifier's windows is 0; an epoch has one at least": not classifier.windows,
        **{
            f"classifier's {name} is {value:g}; it must be from 0 to {MOST_WEIGHT}": not (
                0 <= value <= MOST_WEIGHT
            )
            for name, value in (
                *((name, getattr(classifier, name)) for name in ("score", "box", "points")),
                *((f"mix's {name}", share) for name, share in shares.items()),
            )
        },
        "classifier's mix needs negative and positive windows": not (
            mix.negative > 0 and mix.positive > 0
        ),
    }
    for message, is_wrong in wrong.items():
        if is_wrong:
            raise ProtofaceError(f"{where}: {message}")


def classifier_view(stage: cascade_pb2.StageParameter, layout: Layout, where: str) -> PixelsView:
    """What such a stage looks through. Raises ProtofaceError for anything but cells or boxes."""
    view = only_pixels(stage, layout, clean, where)
    if view is None or not (view.levels or view.needs_box) or view.patches > 1 or not view.plain:
        raise ProtofaceError(
            f"{where}: a classifier looks, in colour, at cells of a picture's levels or through a box "
            "window"
        )
    return view


def window_answers(
    stage: cascade_pb2.StageParameter, layout: Layout, where: str
) -> tuple[WindowAnswers, PointsAnswer | None]:
    """The outputs of a stage that judges windows, and its answer of points if it gives one.

    Raises ProtofaceError for others than a score, a box (CORNERS) and points, once each.
    """
    answers = make_answers(stage, layout, clean, where)
    score, box = _only(answers, ScoreAnswer), _only(answers, BoxAnswer)
    points = _only(answers, PointsAnswer)
    known = len([one for one in (score, box, points) if one is not None])
    maps = {answer.map for answer in answers}
    if score is None or box is None or box.distances or known < len(answers) or len(maps) > 1:
        raise ProtofaceError(
            f"{where}: a classifier answers one score, one box of form CORNERS and perhaps points"
        )
    if points is not None and not layout.same_points(find_layout(DEFAULT)):
        raise ProtofaceError(f"{where}: a classifier's points are those of the layout {DEFAULT}")
    name = None if points is None else points.blob
    mapped = score.map is not None
    return WindowAnswers(score.blob, score.channel, box.blob, name, mapped), points


def _only(answers: list[AnswerKind], kind: type[Answer]) -> Answer | None:
    """The one answer of a kind; None if there is none."""
    return next((answer for answer in answers if isinstance(answer, kind)), None)


def cell_size(view: PixelsView, stage: cascade_pb2.StageParameter) -> tuple[int, int]:
    """Rows and columns of what the net sees of a window: its input, or a cell of its map."""
    if view.levels is None:
        return view.size
    return stage.answer[0].map.cell, stage.answer[0].map.cell


def task_weights(classifier: recipe_pb2.ClassifierParameter) -> TaskWeights:
    """How much its losses count."""
    return TaskWeights(classifier.score, classifier.box, classifier.points, classifier.hard)
