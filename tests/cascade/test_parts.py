"""Which views, answers and levels go together; what a finder's are is in test_finding_stage.py too."""

import pytest

from protoface.cascade import MODES, cascade_pb2
from protoface.cascade.answers.answer_kind import make_answers
from protoface.cascade.layouts import find_layout
from protoface.cascade.parts import check_parts, multiple_of
from protoface.cascade.views.view_kind import make_views
from protoface.converters import ProtofaceError
from protoface.converters.prototxt import parse_message

LAYOUT = find_layout("celeba5")
LEVELS = "window { picture { longest: 640 multiple: 32 } }"
CROPS = "window { picture {} } preprocess { size: 8 }"
MAP = "map { cell: 8 stride: 8 }"
SCORE = f'answer {{ blob: "s" score {{}} {MAP} }}'


def check(text):
    stage = parse_message(text, cascade_pb2.StageParameter(), "text")
    views = make_views(stage, LAYOUT, MODES["clean"], "stage 's'")
    check_parts(stage, views, make_answers(stage, LAYOUT, MODES["clean"], "stage 's'"), "stage 's'")


@pytest.mark.parametrize(
    "text",
    [
        CROPS,
        f"{LEVELS} {SCORE}",
        f'{LEVELS} {SCORE} answer {{ blob: "b" box {{ form: DISTANCES }} {MAP} }}',
        f'{LEVELS} {SCORE} answer {{ blob: "t" score {{}} map {{ cell: 16 stride: 16 }} }}',
    ],
)
def test_what_goes_together(text):
    check(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{LEVELS} answer {{ score {{}} }}", "its window has levels, so answer '' needs a map"),
        (f"{CROPS} {SCORE}", "answer 's' is a map, which needs a picture window with levels"),
        (f"{CROPS} answer {{ box {{ form: DISTANCES }} }}", "a box of DISTANCES is that of a map"),
        (f"{LEVELS} answer {{ box {{}} {MAP} }}", "a map of cell 8 and stride 8 needs one answer"),
        (f'{LEVELS} {SCORE} answer {{ blob: "t" score {{}} {MAP} }}', "a map of cell 8 and stride 8"),
        (f"{LEVELS} {SCORE} flip_average: true", "flip_average goes neither with maps nor with"),
        (
            f"{CROPS} answer {{ points {{ range: CORNER }} }} flip_average: true",
            "flip_average goes neither with maps nor with points of range CORNER",
        ),
        (
            f'view {{ blob: "a" pixels {{ {LEVELS} }} }} '
            f'view {{ blob: "b" pixels {{ {CROPS} }} }} {SCORE}',
            "a window with levels is that of a stage's one view",
        ),
    ],
)
def test_what_does_not_is_named(text, message):
    with pytest.raises(ProtofaceError, match=f"^stage 's': {message}"):
        check(text)


def test_the_sides_of_inputs_are_multiples():
    for text, multiple in ((LEVELS, 32), (LEVELS.replace("multiple: 32", ""), 1), (CROPS, 0)):
        stage = parse_message(text, cascade_pb2.StageParameter(), "text")
        assert multiple_of(stage, LAYOUT) == multiple
