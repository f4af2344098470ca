"""The answer of a score."""

import numpy as np
import pytest

from protoface.cascade import MODES, Window, cascade_pb2
from protoface.cascade.answers.face_score import ScoreAnswer
from protoface.cascade.face import Candidate
from protoface.cascade.layouts import find_layout
from protoface.cascade.windows.window import NOTHING
from protoface.converters import ProtofaceError


def answer(channel: int = 0) -> ScoreAnswer:
    made = ScoreAnswer(cascade_pb2.ScoreAnswer(channel=channel), find_layout("celeba5"), MODES["clean"])
    made.blob = "prob"
    return made


def test_it_is_a_channel():
    values = np.array([[0.25, 0.75], [1, 0], [0.5, 0.5]], np.float32)
    candidates = [Candidate(number, (9, 9)) for number in range(3)]
    windows = [Window(0, 0, 9, 9), Window(0, 0, 9, 9), NOTHING]
    found = answer(1).read(values, windows, candidates)
    assert [one.score for one in found] == [0.75, 0, 0]  # where nothing was seen there is no face
    maps = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3) / 12
    np.testing.assert_array_equal(answer(1).scores(maps), maps[:, 1])


def test_rounding_is_cut_off_and_nan_stays():
    values = np.array([[1.001], [-0.001], [np.nan]], np.float32)
    np.testing.assert_array_equal(answer().scores(values), [1, 0, np.nan])
    assert answer().scores(np.zeros((0, 1), np.float32)).shape == (0,)


@pytest.mark.parametrize("wrong", [1.1, -0.1, 50])
def test_what_is_no_probability_is_refused(wrong):
    with pytest.raises(
        ProtofaceError, match=f"'prob' gives a score of {wrong:g}, .* a Sigmoid or a Soft"
    ):
        answer().scores(np.array([[0.5], [wrong]], np.float32))


def test_a_channel_that_is_not_there_is_named():
    answer(1).check(2, "stage 's'")
    with pytest.raises(
        ProtofaceError, match="stage 's': the score is channel 2 of blob 'prob', which has 2"
    ):
        answer(2).check(2, "stage 's'")


def test_a_mirrored_picture_is_as_likely():
    values = np.random.default_rng(0).random((3, 2))
    np.testing.assert_array_equal(answer().mirrored(values), values)
