"""Which faces a stage keeps, worked out by hand."""

import numpy as np
import pytest

from protoface.cascade import MODES, Window, cascade_pb2
from protoface.cascade.answers.answer_kind import make_answers
from protoface.cascade.face import Candidate
from protoface.cascade.keep import make_keep, sound
from protoface.cascade.layouts import find_layout
from protoface.cascade.windows.window import NOTHING
from protoface.converters import ProtofaceError
from protoface.converters.prototxt import parse_message

BOXES = [(0, 0, 10, 10), (1, 0, 10, 10), (40, 40, 10, 10), (40, 40, 4, 4)]


def keep(text: str, mode: str = "clean", answers: str = "answer { score {} }"):
    stage = parse_message(f"{answers} keep {{ {text} }}", cascade_pb2.StageParameter(), "text")
    made = make_answers(stage, find_layout("celeba5"), MODES[mode], "stage 's'")
    return make_keep(stage, made, MODES[mode], "stage 's'")


def candidates(scores, pictures=None):
    pictures = pictures or [0] * len(scores)
    return [
        Candidate(picture, (60, 60), np.array(box, np.float64), score)
        for picture, box, score in zip(pictures, BOXES, scores, strict=False)
    ]


def chosen(text, scores, pictures=None, mode="clean"):
    faces = candidates(scores, pictures)
    windows = [Window(*BOXES[-1]) for _ in faces]
    return keep(text, mode).chosen(windows, faces)


def test_the_best_come_first():
    assert chosen("", [0.5, 0.7, 0.9, 0.6]) == [2, 1, 3, 0]


@pytest.mark.parametrize(("mode", "kept"), [("clean", [1, 0]), ("faithful", [1])])
def test_the_least_score_counts_as_the_mode_has_it(mode, kept):
    """Facenet-pytorch asks for more than the least score in crops, and not in maps."""
    assert chosen("score: 0.5", [0.5, 0.75, 0.25], mode=mode) == kept
    scores = np.array([0.5, 0.75, 0.25, np.nan], np.float32)
    assert keep("score: 0.5", mode).enough(scores, True).tolist() == [True, True, False, False]


@pytest.mark.parametrize("field", ["overlap", "overlap_all"])
def test_of_those_that_overlap_the_best_one_stays(field):
    scores = [0.5, 0.7, 0.9, 0.6]
    assert chosen(f"{field}: 0.5", scores) == [2, 1, 3]
    assert chosen(f"{field}: 0.1", scores) == [2, 1]
    assert chosen(f"{field}: 0.5 by: MINIMUM", scores) == [2, 1]
    assert chosen(f"{field}: 0.5 most: 1", scores) == [2]


def test_pictures_do_not_see_each_other():
    assert chosen("overlap_all: 0.1", [0.5, 0.7, 0.9, 0.6], [1, 0, 0, 1]) == [2, 1, 3, 0]
    assert chosen("most: 1", [0.5, 0.7, 0.9, 0.6], [1, 0, 0, 1]) == [2, 3]


def test_windows_may_be_compared_instead_of_boxes():
    assert chosen("overlap_all: 0.5 of: WINDOWS", [0.5, 0.7, 0.9, 0.6]) == [2]


def test_what_is_no_box_and_what_was_not_seen_goes():
    faces = candidates([0.5, 0.7, 0.9])
    faces[1] = faces[1]._replace(box=np.array((0, 0, np.nan, 5)))
    windows = [Window(0, 0, 9, 9), Window(0, 0, 9, 9), NOTHING]
    assert keep("").chosen(windows, faces) == [0]
    assert keep("").chosen([], []) == []
    boxes = np.array([(0, 0, 1, 1), (0, 0, 0, 1), (0, 0, 1, -1), (np.inf, 0, 1, 1)])
    assert sound(boxes).tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("score: -0.1", "score is -0.1, it must be 0 to 1"),
        ("overlap: 1.1", "overlap is 1.1, it must be 0 to 1"),
        ("overlap_all: nan", "overlap_all is nan, it must be 0 to 1"),
        ("most: 0", "most is 0; leave it out to keep all"),
    ],
)
def test_what_cannot_be_is_named(text, message):
    with pytest.raises(ProtofaceError, match=f"^stage 's': {message}$"):
        keep(text)


def test_it_goes_by_scores():
    with pytest.raises(
        ProtofaceError, match="^stage 's': keep goes by scores; add an answer of a score$"
    ):
        keep("score: 0.5", answers="answer { points {} }")
