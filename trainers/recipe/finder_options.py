"""What a recipe says of a finder, checked."""

from __future__ import annotations

from protoface.cascade import cascade_pb2
from protoface.cascade.answers.answer_kind import ANSWERS
from protoface.converters import ProtofaceError

from ..faces.crops import CropOptions
from ..faces.places import FaceMap
from . import recipe_pb2
from .task_data import check_data

#: Pixels; larger crops and faces would only take memory.
MOST = 4096


def check_finder(
    finder: recipe_pb2.FinderParameter, stage: cascade_pb2.StageParameter, where: str
) -> None:
    """Raises ProtofaceError beginning with `where` for what is wrong with a stage's `finder`."""
    maps = face_maps(stage, where)
    check_data(finder.data, "finder", where)
    options = crop_options(finder)
    wrong = {
        "finder's least_face and greatest_face must be above 0, in this order, and at most crop": not (
            0 < options.least <= options.greatest <= options.side
        ),
        f"finder's smallest_face {options.smallest:g} is not in 0 .. least_face": not (
            0 <= options.smallest <= options.least
        ),
        **{
            f"finder's {name} is {getattr(finder, name):g}; it must be from 0 to 1": not (
                0 <= getattr(finder, name) <= 1
            )
            for name in ("focus", "paste")
        },
        **{
            f"finder's {name} is {getattr(finder, name):g}; it must be from 0 to 1000": not (
                0 <= getattr(finder, name) <= 1000
            )
            for name in ("score", "box", "points")
        },
        f"finder's crop is {options.side}; it must be at most {MOST} and a multiple of all strides": (
            not 0 < options.side <= MOST or any(options.side % each.stride for each in maps)
        ),
    }
    for message, is_wrong in wrong.items():
        if is_wrong:
            raise ProtofaceError(f"{where}: {message}")


def crop_options(finder: recipe_pb2.FinderParameter) -> CropOptions:
    """How its crops are made."""
    return CropOptions(
        side=finder.crop,
        least=finder.least_face,
        greatest=finder.greatest_face,
        smallest=finder.smallest_face,
        focus=finder.focus,
        paste=finder.paste,
    )


def face_maps(stage: cascade_pb2.StageParameter, where: str) -> list[FaceMap]:
    """The maps of a stage's answers: score, box and points of equal `map`.

    Raises ProtofaceError beginning with `where` for a stage that answers anything else.
    """
    names: dict[tuple[int, int], dict[str, str]] = {}
    for answer in stage.answer:
        place = answer.map.stride, answer.map.cell
        names.setdefault(place, {})[ANSWERS.find(answer, where)[0]] = answer.blob
    complete = all(set(kinds) == {"score", "box", "points"} for kinds in names.values())
    if not names or not complete or (0, 0) in names:
        raise ProtofaceError(f"{where}: a finder is trained with a score, a box and points of each map")
    return [FaceMap(**kinds, stride=stride, cell=cell) for (stride, cell), kinds in names.items()]
