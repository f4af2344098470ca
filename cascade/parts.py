"""Whether the parts of a stage go together: its views, its answers and what it keeps."""

from __future__ import annotations

from collections.abc import Sequence

from protoface.converters.errors import ProtofaceError

from . import cascade_pb2
from .answers.answer_kind import AnswerKind
from .layouts import Layout
from .views.view_kind import ViewKind, make_views
from .windows import clean


def check_parts(
    stage: cascade_pb2.StageParameter,
    views: Sequence[ViewKind],
    answers: Sequence[AnswerKind],
    where: str,
) -> None:
    """Raise ProtofaceError beginning with `where` for parts that do not go together."""
    levels = any(view.levels for view in views)
    if levels and len(views) > 1:
        raise ProtofaceError(f"{where}: a window with levels is that of a stage's one view")
    for answer in answers:
        _check_answer(answer, levels, where)
    if levels:
        _check_maps(answers, where)
    mirrors = all(view.mirrors for view in views) and all(answer.mirrors for answer in answers)
    if stage.flip_average and (levels or not mirrors):
        raise ProtofaceError(
            f"{where}: flip_average goes neither with maps nor with points of range CORNER nor with "
            "features"
        )


def _check_answer(answer: AnswerKind, levels: bool, where: str) -> None:
    if levels and answer.map is None:
        raise ProtofaceError(f"{where}: its window has levels, so answer '{answer.blob}' needs a map")
    if answer.map is not None and not levels:
        raise ProtofaceError(
            f"{where}: answer '{answer.blob}' is a map, which needs a picture window with levels "
            "(least_face, factor or longest)"
        )
    if answer.needs_window and answer.map is not None:
        raise ProtofaceError(
            f"{where}: answer '{answer.blob}' is that of a window, not of a map: a feature, or points "
            "with a frame or relative to others"
        )
    if answer.needs_map and answer.map is None:
        raise ProtofaceError(f"{where}: a box of DISTANCES is that of a map; use CORNERS")


def _check_maps(answers: Sequence[AnswerKind], where: str) -> None:
    """Each map has one score, and no other answer twice."""
    for one in dict.fromkeys(answer.map for answer in answers):
        assert one is not None
        kinds = [type(answer) for answer in answers if answer.map == one]
        scores = sum(answer.gives_score for answer in answers if answer.map == one)
        if scores != 1 or len(set(kinds)) < len(kinds):
            raise ProtofaceError(
                f"{where}: a map of cell {one.cell} and stride {one.stride} needs one answer of a "
                "score, and at most one of each other kind"
            )


def multiple_of(stage: cascade_pb2.StageParameter, layout: Layout) -> int:
    """What the sides of the net's input are multiples of; 0 if it has one size."""
    levels = make_views(stage, layout, clean, f"stage '{stage.name}'")[0].levels
    return levels.multiple if levels else 0
