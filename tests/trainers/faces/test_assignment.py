"""Which place answers for which face: overlaps, and SimOTA against plain loops."""

import math

import numpy as np
import pytest
import torch

from protoface.trainers.faces.assignment import GREATEST, REACH, assign, generous_overlaps, overlaps
from protoface.trainers.faces.places import FaceMap, make_places

MAPS = [FaceMap("", "", "", stride, stride) for stride in (8, 16, 32)]
PLACES = make_places(MAPS, [(16, 16), (8, 8), (4, 4)], torch.zeros(()))


def random_boxes(count, generator, side=128.0):
    middles = generator.uniform(0, side, (count, 2))
    halves = np.exp(generator.uniform(np.log(4), np.log(40), (count, 2)))
    return np.concatenate((middles - halves, middles + halves), axis=1).astype(np.float32)


def plain_overlap(a, b):
    """Intersection over union, and GIoU."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common
    around = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return common / union, common / union - (around - union) / around


def plain_assign(scores, boxes, faces):
    """SimOTA, a place and a face at a time."""
    wanted = {}
    for face, box in enumerate(faces):
        costs, values = {}, []
        for place, (x, y) in enumerate(PLACES.centres.numpy()):
            inside = box[0] < x < box[2] and box[1] < y < box[3]
            away = max(abs(x - (box[0] + box[2]) / 2), abs(y - (box[1] + box[3]) / 2))
            near = away < REACH * float(PLACES.strides[place])
            overlap = plain_overlap(boxes[place], box)[0]
            if any_reach(x, y, float(PLACES.strides[place]), faces):
                values.append(overlap)
            if inside or near:
                cost = -3 * math.log(overlap + 1e-7) - math.log(max(scores[place], 1e-7))
                costs[place] = cost + 1e5 * (not (inside and near))
        count = max(int(sum(sorted(values)[-GREATEST:])), 1)
        for place in sorted(costs, key=costs.get)[:count]:
            wanted.setdefault(place, []).append((costs[place], face))
    owner = np.full(len(scores), -1)
    for place, claims in wanted.items():
        owner[place] = min(claims)[1]
    return owner


def any_reach(x, y, stride, faces):
    return any(
        (box[0] < x < box[2] and box[1] < y < box[3])
        or max(abs(x - (box[0] + box[2]) / 2), abs(y - (box[1] + box[3]) / 2)) < REACH * stride
        for box in faces
    )


def test_overlaps_are_those_of_plain_numbers():
    generator = np.random.default_rng(0)
    first, second = random_boxes(50, generator), random_boxes(50, generator)
    both = torch.from_numpy(first), torch.from_numpy(second)
    expected = np.array([plain_overlap(a, b) for a, b in zip(first, second, strict=True)])
    np.testing.assert_allclose(overlaps(*both), expected[:, 0], atol=1e-6)
    np.testing.assert_allclose(generous_overlaps(*both), expected[:, 1], atol=1e-6)
    np.testing.assert_allclose(generous_overlaps(both[0], both[0]), 1, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_simota_is_that_of_plain_loops(seed):
    generator = np.random.default_rng(seed)
    faces = random_boxes(6, generator)
    scores = generator.uniform(0.01, 0.9, len(PLACES.strides)).astype(np.float32)
    away = np.exp(generator.normal(0.6, 0.6, (len(scores), 4))).astype(np.float32)
    centres, strides = PLACES.centres.numpy(), PLACES.strides.numpy()[:, None]
    boxes = np.concatenate((centres - away[:, :2] * strides, centres + away[:, 2:] * strides), axis=1)
    found = assign(PLACES, *(torch.from_numpy(values) for values in (scores, boxes, faces)))
    np.testing.assert_array_equal(found.numpy(), plain_assign(scores, boxes, faces))
    assert set(found.tolist()) - {-1} == set(range(6))


def test_without_faces_no_place_answers():
    scores = torch.full((len(PLACES.strides),), 0.5)
    found = assign(PLACES, scores, torch.zeros(len(scores), 4), torch.zeros(0, 4))
    assert (found == -1).all()


def test_a_face_between_the_centres_of_all_places_still_has_one():
    """3 pixels wide, none of it at a centre."""
    scores = torch.full((len(PLACES.strides),), 0.01)
    boxes = torch.cat((PLACES.centres - 4, PLACES.centres + 4), dim=1)
    found = assign(PLACES, scores, boxes, torch.tensor([[47.0, 47.0, 50.0, 50.0]]))
    assert (found == 0).sum() == 1


def test_two_faces_do_not_share_a_place():
    """The nearly same box twice: both have places of their own."""
    faces = torch.tensor([[30.0, 30.0, 70.0, 70.0], [31.0, 31.0, 71.0, 71.0]])
    boxes = torch.cat((PLACES.centres - 20, PLACES.centres + 20), dim=1)
    found = assign(PLACES, torch.full((len(boxes),), 0.3), boxes, faces)
    assert (found == 0).any()
    assert (found == 1).any()


def test_where_no_place_can_answer_none_does():
    """A face far outside of the maps."""
    scores = torch.full((len(PLACES.strides),), 0.5)
    boxes = torch.cat((PLACES.centres - 4, PLACES.centres + 4), dim=1)
    found = assign(PLACES, scores, boxes, torch.tensor([[900.0, 900.0, 920.0, 920.0]]))
    assert (found == -1).all()
