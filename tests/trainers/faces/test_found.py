"""What a finder finds in a whole picture: of any size, without doubles."""

import numpy as np
import torch

from protoface.trainers.faces.found import MOST, OVERLAP, find, shares, suppressed
from protoface.trainers.faces.places import FaceMap

from .test_assignment import plain_overlap, random_boxes

MAPS = [FaceMap("s", "b", "p", 8, 8), FaceMap("t", "c", "q", 16, 16)]


def prepare(picture):
    return torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1)[None]


def answer(inputs):
    """A face of 24 x 24 at every place whose pixel is white, scored by the stride."""
    tensor = torch.from_numpy(inputs)
    assert tensor.shape[2] % 16 == tensor.shape[3] % 16 == 0
    outputs = {}
    for each in MAPS:
        middle = each.stride // 2
        white = (tensor[:, :1, middle :: each.stride, middle :: each.stride] > 200).float()
        outputs[each.score] = white * (0.8 if each.stride == 8 else 0.6)
        outputs[each.box] = torch.full((1, 4, *white.shape[2:]), 12 / each.stride)
        outputs[each.points] = torch.zeros(1, 10, *white.shape[2:])
    return outputs


def test_faces_of_a_picture_of_any_size():
    picture = np.zeros((50, 75, 3), np.uint8)
    picture[20, 36] = picture[4, 68] = 255
    boxes, scores = find(answer, prepare, MAPS, picture)
    np.testing.assert_allclose(sorted(boxes.tolist()), [[24, 8, 48, 32], [56, -8, 80, 16]])
    np.testing.assert_allclose(scores, 0.8, rtol=1e-6)


def test_the_better_of_two_at_one_place_is_kept():
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[8, 8] = picture[4, 28] = 255  # the middles of a place of stride 16 and of one of stride 8
    boxes, scores = find(answer, prepare, MAPS, picture)
    np.testing.assert_allclose(boxes, [(16, -8, 40, 16), (-4, -4, 20, 20)])
    np.testing.assert_allclose(scores, [0.8, 0.6], rtol=1e-6)
    picture[12, 12] = 255
    boxes, scores = find(answer, prepare, MAPS, picture)
    np.testing.assert_allclose(boxes, [(16, -8, 40, 16), (0, 0, 24, 24)])


def test_nothing_is_found_in_a_dark_picture():
    boxes, scores = find(answer, prepare, MAPS, np.zeros((1, 1, 3), np.uint8))
    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)


def test_suppression_is_that_of_plain_loops():
    boxes = random_boxes(60, np.random.default_rng(3)).astype(np.float64)
    kept = []
    for index, box in enumerate(boxes):
        if all(plain_overlap(boxes[other], box)[0] <= OVERLAP for other in kept):
            kept.append(index)
    assert suppressed(boxes).tolist() == kept
    assert 5 < len(kept) < 60


def test_no_more_than_a_picture_can_show():
    grid = np.stack(np.meshgrid(np.arange(40), np.arange(40)), axis=2).reshape(-1, 2) * 10.0
    boxes = np.concatenate((grid, grid + 8), axis=1)
    assert len(suppressed(boxes)) == MOST


def test_shares():
    boxes = random_boxes(20, np.random.default_rng(4)).astype(np.float64)
    expected = [plain_overlap(boxes[0], other)[0] for other in boxes]
    np.testing.assert_allclose(shares(boxes[0], boxes), expected, atol=1e-12)
