"""Places of maps, one by one and of several maps."""

import numpy as np
import pytest

from protoface.cascade import cascade_pb2
from protoface.cascade.answers.map_places import Map, Places, join, make_map
from protoface.cascade.windows.levels import Level
from protoface.converters import ProtofaceError


def places(count, points=None):
    corners = np.arange(2 * count).reshape(count, 2)
    boxes = np.ones((count, 4)) * np.arange(count)[:, None]
    scores = np.arange(count, dtype=np.float32)
    level = Level(10, 20, 0.5, 0.25, 10, 20)
    return Places(Map(8, 4), level, np.arange(count), corners, boxes, boxes, scores, points)


def test_some_of_them():
    some = places(5, np.zeros((5, 5, 2)))[np.array([3, 1])]
    assert some.scores.tolist() == [3, 1]
    assert some.corners.tolist() == [[6, 7], [2, 3]]
    assert some.points.shape == (2, 5, 2)
    assert places(5)[np.array([], int)].boxes.shape == (0, 4)


def test_edges_in_the_picture():
    np.testing.assert_allclose(places(1).to_picture(np.array([(3, 2)])), [(6, 8)])


def test_several_maps_together():
    found = join([places(2), places(3, np.ones((3, 5, 2), np.float32)), places(0)], [0, 1, 2])
    assert len(found) == 5
    assert found.level.tolist() == [0, 0, 1, 1, 1]
    assert found.picture.tolist() == [0, 1, 0, 1, 2]
    assert np.isnan(found.points[:2]).all()  # a map that says nothing of points
    assert (found.points[2:] == 1).all()
    assert len(found[np.array([4, 0])]) == 2
    assert len(join([], [])) == 0
    assert join([], []).boxes.shape == (0, 4)


def test_a_map_has_cells_and_a_stride():
    assert make_map(cascade_pb2.MapParameter(cell=12, stride=2), "s") == Map(12, 2)
    for text in ({"cell": 0, "stride": 2}, {"cell": 12}, {"cell": 5000, "stride": 1}):
        with pytest.raises(
            ProtofaceError, match="^stage 's': (cell|stride) of a map is (0|5000), it must"
        ):
            make_map(cascade_pb2.MapParameter(**text), "stage 's'")
