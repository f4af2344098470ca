"""Non-maximum suppression: as a plain loop has it, and quick with many boxes."""

import time

import numpy as np
import pytest

from protoface.cascade.overlap import overlaps, suppress


def plain(boxes, scores, most, minimum, extra):
    """One box after the other."""
    left = sorted(range(len(boxes)), key=lambda index: -scores[index])
    kept = []
    while left:
        best, *left = left
        kept.append(best)
        left = [one for one in left if not overlap(boxes[best], boxes[one], minimum, extra) > most]
    return kept


def overlap(one, other, minimum, extra):
    sides = []
    for axis in (0, 1):
        start = max(one[axis], other[axis])
        stop = min(one[axis] + one[axis + 2], other[axis] + other[axis + 2]) + extra
        sides.append(max(stop - start, 0))
    areas = [(box[2] + extra) * (box[3] + extra) for box in (one, other)]
    shared = sides[0] * sides[1]
    return shared / (min(areas) if minimum else sum(areas) - shared)


def many(count, faces, seed=0):
    generator = np.random.default_rng(seed)
    middles, sides = generator.uniform(0, 4000, (faces, 2)), generator.uniform(20, 100, faces)
    of = generator.integers(0, faces, count)
    side = (sides[of] * generator.uniform(0.9, 1.1, count))[:, None]
    places = middles[of] + generator.normal(0, 0.05, (count, 2)) * side
    return np.concatenate((places, side, side), 1), generator.random(count).astype(np.float32)


@pytest.mark.parametrize("minimum", [False, True])
@pytest.mark.parametrize("extra", [0, 1])
@pytest.mark.parametrize("most", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("faces", [1, 3, 400])
def test_it_is_what_a_plain_loop_keeps(minimum, extra, most, faces):
    boxes, scores = many(600, faces)
    boxes[:, 3] *= 1.3
    kept = suppress(boxes, scores, most, minimum, extra)
    assert kept.tolist() == plain(boxes.tolist(), scores.tolist(), most, minimum, extra)


def test_of_equal_scores_the_first_stays():
    boxes = np.array([(0, 0, 10, 10), (1, 1, 10, 10), (50, 50, 10, 10)], np.float64)
    assert suppress(boxes, np.ones(3, np.float32), 0.5).tolist() == [0, 2]


def test_none_and_one():
    assert suppress(np.zeros((0, 4)), np.zeros(0), 0.5).tolist() == []
    assert suppress(np.array([(1.0, 2, 3, 4)]), np.ones(1), 0.5).tolist() == [0]


def test_thirty_thousand_boxes_of_five_hundred_faces_are_quick():
    boxes, scores = many(30_000, 500)
    start = time.process_time()
    kept = suppress(boxes, scores, 0.5)
    assert time.process_time() - start < 2  # 0.15 s on a core of its own
    assert 450 < len(kept) < 700


def test_overlaps_by_hand():
    one = np.array([(0.0, 0, 10, 10), (100, 100, 1, 1)])
    other = np.array([(5.0, 0, 10, 10), (0, 0, 10, 10), (20, 20, 5, 5)])
    np.testing.assert_allclose(overlaps(one, other), [(1 / 3, 1, 0), (0, 0, 0)])
