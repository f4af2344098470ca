"""The answer of a feature."""

import numpy as np
import pytest

from protoface.cascade import MODES, cascade_pb2
from protoface.cascade.answers.face_feature import FeatureAnswer
from protoface.cascade.face import Candidate
from protoface.cascade.layouts import find_layout
from protoface.cascade.windows.window import NOTHING
from protoface.converters import ProtofaceError


def answer(name: str = "fc1") -> FeatureAnswer:
    parameter = cascade_pb2.FeatureAnswer(name=name)
    return FeatureAnswer(parameter, find_layout("celeba5"), MODES["clean"])


def test_it_is_kept_for_later_stages_beside_others():
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    before = Candidate(0, (9, 9), features={"other": values[0]})
    found = answer().read(values, [NOTHING] * 2, [before, Candidate(1, (9, 9))])
    np.testing.assert_array_equal(found[0].features["fc1"], values[0])
    np.testing.assert_array_equal(found[1].features["fc1"], values[1])
    assert set(found[0].features) == {"other", "fc1"}
    assert set(before.features) == {"other"}


def test_the_last_stage_s_counts():
    values = np.ones((1, 3), np.float32)
    (first,) = answer().read(values, [NOTHING], [Candidate(0, (9, 9))])
    (second,) = answer().read(values * 2, [NOTHING], [first])
    assert second.features["fc1"][0] == 2


def test_it_needs_a_name():
    with pytest.raises(ProtofaceError, match="needs a name"):
        answer("")
    assert not answer().mirrors
