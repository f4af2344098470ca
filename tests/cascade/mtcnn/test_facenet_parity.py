"""The same faces as facenet-pytorch itself, on WIDER's pictures: needs both, and minutes.

PROTOFACE_FACENET=/folder/of/the/unpacked/wheel python -m pytest -m slow tests/cascade/mtcnn
"""

import numpy as np
import pytest
import torch

from protoface.cascade import MTCNN

from .facenet_stand_in import facenet, facenet_folder

pil = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def package():
    return facenet_folder()


@pytest.fixture(scope="module")
def pictures(shared):
    found = sorted((shared / "faces" / "wider" / "WIDER_val").rglob("*.jpg"))
    assert found
    return found


@pytest.fixture
def both(package, monkeypatch):
    """facenet-pytorch's finder and ours, of the same arguments and weights."""
    theirs = facenet(package, monkeypatch)

    def make(**arguments):
        return theirs.MTCNN(**arguments), MTCNN(weights=package, **arguments)

    return make


def opened(path):
    return pil.open(path).convert("RGB")


def agree(theirs, ours):
    """Whether boxes and points are within 0.1 pixels, and scores within 0.001."""
    if theirs[0] is None:
        return len(ours[0]) == 0
    if len(theirs[0]) != len(ours[0]):
        return False
    bounds = (0.1, 1e-3, 0.1)
    return all(
        np.abs(np.float64(one) - np.float64(other)).max() <= bound
        for one, other, bound in zip(theirs, ours, bounds, strict=True)
    )


@pytest.mark.parametrize(
    ("arguments", "every"),
    [
        ({"keep_all": True}, 1),
        ({"min_face_size": 10}, 10),
        ({"min_face_size": 40}, 2),
        ({"factor": 0.7}, 4),
        ({"thresholds": [0.7, 0.7, 0.7]}, 4),
        ({"select_largest": False}, 4),
        ({"min_face_size": 10, "factor": 0.7, "thresholds": [0.7, 0.7, 0.7]}, 10),
    ],
)
def test_boxes_scores_and_points(arguments, every, both, pictures):
    theirs, ours = both(**arguments)
    chosen = pictures[::every]
    differing = [
        path.name
        for path in chosen
        if not agree(theirs.detect(opened(path), landmarks=True), ours.detect(opened(path), True))
    ]
    assert len(differing) <= 0.005 * len(chosen), differing


@pytest.mark.parametrize(
    "arguments",
    [
        {"selection_method": "largest"},
        {"selection_method": "probability"},
        {"selection_method": "largest_over_threshold"},
        {"selection_method": "center_weighted_size"},
        {"keep_all": True},
        {"margin": 14},
        {"margin": 40, "image_size": 112, "post_process": False},
    ],
)
def test_faces_that_are_cut_out(arguments, both, pictures):
    theirs, ours = both(**arguments)
    for path in pictures[::20]:
        face, score = theirs(opened(path), return_prob=True)
        found, prob = ours(opened(path), return_prob=True)
        if face is None:
            assert len(found) == 0
            continue
        np.testing.assert_allclose(np.float64(prob), np.float64(score), atol=1e-3)
        # a box that ends a hair beyond a whole pixel moves the crop by that pixel
        assert face.shape == found.shape
        assert torch.isclose(face, found, atol=1e-3).float().mean() > 0.9


@pytest.mark.parametrize("kind", ["array", "tensor", "list"])
def test_batches(kind, both, pictures):
    theirs, ours = both()
    batch = np.stack([np.array(opened(path).resize((320, 240))) for path in pictures[:40:4]])
    given = {
        "array": batch,
        "tensor": torch.from_numpy(batch),
        "list": [pil.fromarray(one) for one in batch],
    }[kind]
    expected, found = theirs.detect(given, landmarks=True), ours.detect(given, landmarks=True)
    for number in range(len(batch)):
        one = tuple(each[number] for each in expected)
        assert agree(one, tuple(each[number] for each in found))
