"""Found boxes against faces: overlaps by counting pixels, and the rules one by one."""

import numpy as np
import pytest

from protoface.eval.matching import FALSE_ALARM, HIT, NEITHER, match, overlaps


def painted(box):
    image = np.zeros((60, 60), bool)
    x, y, width, height = box
    image[y : y + height, x : x + width] = True
    return image


def test_overlaps_are_counted_pixels():
    generator = np.random.default_rng(0)
    boxes = np.concatenate(
        (generator.integers(0, 30, (40, 2)), generator.integers(0, 30, (40, 2))), axis=1
    )
    ours = overlaps(boxes[:20].astype(float), boxes[20:].astype(float))
    for row, first in enumerate(boxes[:20]):
        for column, second in enumerate(boxes[20:]):
            both, either = painted(first) & painted(second), painted(first) | painted(second)
            expected = both.sum() / either.sum() if either.any() else 0
            assert ours[row, column] == pytest.approx(expected)


def test_nothing_found_and_no_faces():
    none, one = np.zeros((0, 4)), np.ones((1, 4))
    assert overlaps(none, one).shape == (0, 1)
    outcomes, missed = match(overlaps(none, one), np.array([True]))
    assert (outcomes.tolist(), missed.tolist()) == ([], [True])
    outcomes, missed = match(overlaps(one, none), np.zeros(0, bool))
    assert (outcomes.tolist(), missed.tolist()) == ([FALSE_ALARM], [])


@pytest.mark.parametrize(
    ("overlap", "counted", "outcomes", "missed"),
    [
        ([[0.5]], [1], [HIT], [0]),
        ([[0.499]], [1], [FALSE_ALARM], [1]),
        ([[0.9], [0.8]], [1], [HIT, FALSE_ALARM], [0]),  # a second box at a face
        ([[0.6, 0.8], [0.7, 0.9]], [1, 1], [HIT, HIT], [0, 0]),  # the second takes what is left
        ([[0.6]], [0], [NEITHER], [0]),
        ([[0.6], [0.6]], [0], [NEITHER, NEITHER], [0]),  # an ignored face is not used up
        ([[0.9, 0.6]], [0, 1], [HIT], [0, 0]),  # a face that counts comes first
        ([[0.6, 0.0], [0.6, 0.6]], [1, 0], [HIT, NEITHER], [0, 0]),
        ([[0.2, 0.3]], [0, 1], [FALSE_ALARM], [0, 1]),
    ],
)
def test_rules(overlap, counted, outcomes, missed):
    found = match(np.array(overlap), np.array(counted, bool))
    assert found.outcomes.tolist() == outcomes
    assert found.missed.tolist() == [bool(flag) for flag in missed]
