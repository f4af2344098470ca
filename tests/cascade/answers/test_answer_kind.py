"""The answers of a stage: none named, several, and what of them does not fit together."""

import pytest

from protoface.cascade import MODES, cascade_pb2
from protoface.cascade.answers.answer_kind import AnswerKind, make_answers
from protoface.cascade.answers.points import PointsAnswer
from protoface.cascade.layouts import find_layout
from protoface.converters import ProtofaceError
from protoface.converters.prototxt import parse_message


def answers(text: str) -> list[AnswerKind]:
    stage = parse_message(text, cascade_pb2.StageParameter(), "text")
    return make_answers(stage, find_layout("celeba5"), MODES["clean"], "stage 's'")


@pytest.mark.parametrize("text", ["", "answer { points {} }"])
def test_without_a_name_it_is_the_points_of_the_one_output(text):
    (made,) = answers(text)
    assert isinstance(made, PointsAnswer)
    assert (made.blob, made.shape) == ("", (10,))


def test_several_answers_keep_their_order_and_their_blobs():
    made = answers('answer { blob: "b" points {} } answer { blob: "a" points {} }')
    assert [answer.blob for answer in made] == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("answer {}", "needs a kind of answer: box, feature, points or score"),
        ('answer { blob: "a" }', "needs a kind of answer: box, feature, points or score"),
        ("answer { points {} } " * 2, "several answers need the blob of each, all different"),
        ('answer { blob: "a" points {} } ' * 2, "several answers need the blob of each, all different"),
    ],
)
def test_what_does_not_fit_is_named_with_the_stage(text, message):
    with pytest.raises(ProtofaceError, match=f"^stage 's': {message}"):
        answers(text)
