"""Losses of maps against plain numbers, what is left out of them, and that they can be minimised."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from protoface.trainers.faces.assignment import assign
from protoface.trainers.faces.map_losses import MapWeights, Truth, map_loss, point_errors, quality_focal
from protoface.trainers.faces.places import FaceMap, read_maps

from .test_assignment import plain_overlap

MAPS = [FaceMap("s", "b", "p", 8, 8)]
FACES = [
    torch.tensor([[8.0, 8.0, 40.0, 44.0], [40.0, 30.0, 60.0, 56.0]]),
    torch.zeros(0, 4),
]


def outputs(seed=0, side=8):
    generator = torch.Generator().manual_seed(seed)
    return {
        "s": torch.rand(2, 1, side, side, generator=generator) * 0.8 + 0.1,
        "b": torch.rand(2, 4, side, side, generator=generator) * 2 + 1,
        "p": torch.randn(2, 10, side, side, generator=generator),
    }


def truth(known=True, points=True):
    spots = torch.arange(20.0).reshape(2, 5, 2) if points else torch.full((2, 5, 2), math.nan)
    return Truth(FACES, [spots, torch.zeros(0, 5, 2)], torch.full((2, 64), known))


def plain_loss(answers, truth, weights):
    """One place after the other."""
    owners = [
        assign(answers.places, scores, boxes, faces).tolist()
        for scores, boxes, faces in zip(answers.scores, answers.boxes, truth.boxes, strict=True)
    ]
    each = [[owner.count(face) ** -0.5 for face in owner] for owner in owners]
    shares = [
        share
        for owner, own in zip(owners, each, strict=True)
        for share, face in zip(own, owner, strict=True)
        if face >= 0
    ]
    mean, total = sum(shares) / len(shares), 0.0
    for picture, owner in enumerate(owners):
        for place, face in enumerate(owner):
            score, target = float(answers.scores[picture, place]), 0.0
            if face >= 0:
                box = truth.boxes[picture][face].tolist()
                target, giou = plain_overlap(answers.boxes[picture, place].tolist(), box)
                off = (answers.points[picture, place] - truth.points[picture][face]).abs().mean()
                off = 0.0 if math.isnan(off) else float(off)
                side = math.sqrt((box[2] - box[0]) * (box[3] - box[1]))
                share = each[picture][place] / mean
                total += share * (weights.box * (1 - giou) + weights.points * off / side)
            if face >= 0 or truth.known[picture, place]:
                entropy = -target * math.log(score) - (1 - target) * math.log(1 - score)
                total += weights.score * (score - target) ** 2 * entropy
    return total / len(shares)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("points", [True, False])
def test_the_loss_is_that_of_plain_numbers(known, points):
    answers, weights = read_maps(outputs(), MAPS), MapWeights(0.7, 1.5, 0.3)
    expected = plain_loss(answers, truth(known, points), weights)
    assert float(map_loss(answers, truth(known, points), weights)) == pytest.approx(expected, rel=1e-4)


def test_what_is_not_known_to_be_background_has_no_gradient():
    given = {name: blob.requires_grad_() for name, blob in outputs().items()}
    unknown = torch.ones(2, 64, dtype=torch.bool)
    unknown[1, :10] = False
    map_loss(read_maps(given, MAPS), replace(truth(), known=unknown), MapWeights()).backward()
    gradient = given["s"].grad[1].flatten()
    assert (gradient[:10] == 0).all()
    assert (gradient[10:] > 0).all()


def test_places_without_a_face_move_no_box_and_no_point():
    given = {name: blob.requires_grad_() for name, blob in outputs().items()}
    map_loss(read_maps(given, MAPS), truth(), MapWeights()).backward()
    assert (given["b"].grad[1] == 0).all()
    assert (given["p"].grad[1] == 0).all()
    assert (given["b"].grad[0] != 0).any()


def test_pictures_without_faces_alone():
    given = read_maps(outputs(), MAPS)
    empty = Truth([FACES[1]] * 2, [torch.zeros(0, 5, 2)] * 2, torch.ones(2, 64, dtype=torch.bool))
    expected = quality_focal(given.scores, torch.zeros_like(given.scores)).sum()
    assert float(map_loss(given, empty, MapWeights())) == pytest.approx(float(expected), rel=1e-5)


def test_quality_focal_is_0_where_the_score_is_the_overlap():
    scores = torch.tensor([0.2, 0.5, 0.9])
    assert quality_focal(scores, scores).tolist() == [0, 0, 0]
    expected = 0.6**2 * -math.log(1 - 0.6)
    assert float(quality_focal(torch.tensor([0.6]), torch.zeros(1))) == pytest.approx(expected)


def test_unknown_points_are_no_error():
    points = torch.tensor([[[math.nan] * 2] * 5, [[10.0, 20.0]] * 5])
    found = torch.full((2, 5, 2), 16.0)
    boxes = torch.tensor([[0.0, 0, 20, 20], [0, 0, 10, 40]])
    np.testing.assert_allclose(point_errors(found, points, boxes), [0, 5 / 20])


def test_a_minimum_is_found():
    """Scores, boxes and points that are moved down their gradients are in the end the true ones."""
    raw = {name: torch.zeros_like(blob).requires_grad_() for name, blob in outputs().items()}
    optimizer = torch.optim.Adam(raw.values(), 0.1)
    for _ in range(300):
        answers = read_maps({"s": raw["s"].sigmoid(), "b": raw["b"].exp(), "p": raw["p"] * 4}, MAPS)
        optimizer.zero_grad()
        map_loss(answers, truth(), MapWeights()).backward()
        optimizer.step()
    for face in (0, 1):
        best = answers.scores[0].argsort(descending=True)
        box = FACES[0][face].tolist()
        hits = [plain_overlap(other, box)[0] > 0.5 for other in answers.boxes[0].tolist()]
        at = next(place for place in best.tolist() if hits[place])
        assert answers.scores[0, at] > 0.8
        np.testing.assert_allclose(answers.boxes[0, at].detach(), FACES[0][face], atol=1.5)
        np.testing.assert_allclose(answers.points[0, at].detach(), truth().points[0][face], atol=1)
    assert answers.scores[1].max() < 0.15
