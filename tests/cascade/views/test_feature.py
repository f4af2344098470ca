"""The view of a feature: what a stage before has answered, whatever its shape."""

import numpy as np
import pytest

from protoface.cascade import MODES, cascade_pb2
from protoface.cascade.face import Candidate
from protoface.cascade.layouts import find_layout
from protoface.cascade.views.feature import FeatureView
from protoface.cascade.windows.window import NOTHING
from protoface.converters import ProtofaceError


def view(name: str = "fc1", shape: tuple[int, ...] = (4,)) -> FeatureView:
    parameter = cascade_pb2.FeatureView(name=name)
    made = FeatureView(parameter, find_layout("celeba5"), MODES["clean"], "stage 's'")
    made.blob = "x"
    made.told(shape)
    return made


@pytest.mark.parametrize("shape", [(4,), (2, 3, 5)])
def test_each_candidate_s_own(shape):
    features = np.random.default_rng(0).random((3, *shape)).astype(np.float32)
    candidates = [Candidate(0, (9, 9), features={"fc1": one, "b": one[:1]}) for one in features]
    seen = view(shape=shape).show([], [NOTHING] * 3, candidates)
    np.testing.assert_array_equal(seen, features)
    assert seen.dtype == np.float32


def test_the_net_may_take_it_in_another_shape():
    candidate = Candidate(0, (9, 9), features={"fc1": np.arange(4, dtype=np.float32)})
    seen = view(shape=(4, 1, 1)).show([], [NOTHING], [candidate])
    np.testing.assert_array_equal(seen[0, :, 0, 0], np.arange(4))


def test_another_size_is_named():
    candidate = Candidate(0, (9, 9), features={"fc1": np.zeros(3, np.float32)})
    with pytest.raises(ProtofaceError, match=r"feature 'fc1' is of shape \[3\], .* takes \[4\]"):
        view().show([], [NOTHING], [candidate])


def test_it_has_no_window_and_no_mirror_image():
    with pytest.raises(ProtofaceError, match="cannot be the first view"):
        view().windows([])
    assert not view().mirrors
    with pytest.raises(ProtofaceError, match="stage 's': a view of a feature needs its name"):
        view("")
