"""The class MTCNN: the faces of MTCNN written once more, every kind of input, numbers for nothing."""

import copy
import math
import pickle
import re

import cv2
import numpy as np
import pytest
import torch

from protoface.cascade import MTCNN
from protoface.cascade.mtcnn import detector
from protoface.cascade.mtcnn.weight_files import convert_folder
from protoface.converters import ProtofaceError

from . import plain_mtcnn
from .random_weights import noise, write_finding

pil = pytest.importorskip("PIL.Image")
#: Of random weights that find from 1 to 20 faces in the pictures here.
SEED = 6


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of weights, and their arrays."""
    folder = tmp_path_factory.mktemp("det")
    return folder, write_finding(folder, SEED)


@pytest.fixture(scope="module")
def weights(made):
    return made[0]


@pytest.fixture(scope="module")
def nets(made):
    return made[1]


@pytest.fixture(scope="module")
def finder(weights):
    return MTCNN(weights=weights, keep_all=True)


def picture(seed=0, rows=80, columns=110):
    return noise(np.random.default_rng(seed), rows, columns)


IMAGE = picture()
BLACK = np.zeros((40, 40, 3), np.uint8)


def compared(found, expected):
    """The same faces, whatever their order."""
    boxes, scores, points = found
    assert len(boxes) == len(expected[0])
    order = [np.abs(expected[0] - box).max(1).argmin() for box in boxes]
    assert sorted(order) == list(range(len(boxes)))
    np.testing.assert_allclose(boxes, expected[0][order], atol=0.1)
    np.testing.assert_allclose(scores, expected[1][order], atol=1e-3)
    np.testing.assert_allclose(points, expected[2][order], atol=0.1)


@pytest.mark.parametrize(
    ("arguments", "plain"),
    [
        ({}, {}),
        ({"min_face_size": 10}, {"least": 10}),
        ({"min_face_size": 40}, {"least": 40}),
        ({"factor": 0.7}, {"factor": 0.7}),
        ({"thresholds": [0.7, 0.7, 0.7]}, {"thresholds": (0.7, 0.7, 0.7)}),
        ({"thresholds": [0.5, 0.5, 0.3]}, {"thresholds": (0.5, 0.5, 0.3)}),
    ],
)
@pytest.mark.parametrize("shape", [(61, 43), (24, 90), pytest.param((80, 110), marks=pytest.mark.slow)])
def test_the_same_faces_as_mtcnn_written_once_more(arguments, plain, shape, weights, nets):
    image = picture(1, *shape)
    found = MTCNN(weights=weights, **arguments).detect(image, landmarks=True)
    compared(found, plain_mtcnn.detect(image, nets, **plain))


def test_there_are_faces_to_compare(nets, finder):
    """Else the tests above would show nothing."""
    boxes, scores, _ = plain_mtcnn.detect(IMAGE, nets)
    assert len(boxes) >= 3
    assert 0.7 < scores.min() < scores.max() <= 1


@pytest.mark.parametrize("select_largest", [True, False])
def test_the_order_of_faces(select_largest, weights):
    boxes, scores = MTCNN(weights=weights, select_largest=select_largest).detect(IMAGE)
    sizes = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    values = sizes if select_largest else scores
    assert (np.diff(values) <= 0).all()


def test_types_and_shapes(finder):
    boxes, scores, points = finder.detect(IMAGE, landmarks=True)
    count = len(boxes)
    assert (boxes.shape, scores.shape, points.shape) == ((count, 4), (count,), (count, 5, 2))
    assert boxes.dtype == scores.dtype == points.dtype == np.float32
    assert len(finder.detect(IMAGE)) == 2


@pytest.mark.parametrize("mode", ["faithful", "clean"])
def test_nothing_found_is_empty(weights, mode, tmp_path):
    finder = MTCNN(weights=weights, thresholds=[1, 1, 1], mode=mode)
    for image in (BLACK, np.zeros((3, 5, 3), np.uint8), np.zeros((1, 1, 3), np.uint8)):
        boxes, scores, points = finder.detect(image, landmarks=True)
        assert (boxes.shape, scores.shape, points.shape) == ((0, 4), (0,), (0, 5, 2))
        face, prob = finder(image, save_path=str(tmp_path / "x.png"), return_prob=True)
        assert face.shape == (0, 3, 160, 160)
        assert math.isnan(prob)
    faces, probs = finder([BLACK, BLACK], return_prob=True)
    assert [tuple(face.shape) for face in faces] == [(0, 3, 160, 160)] * 2
    assert [prob.shape for prob in probs] == [(0,), (0,)]
    finder.keep_all = True
    face, prob = finder(BLACK, return_prob=True)
    assert (tuple(face.shape), prob.shape) == ((0, 3, 160, 160), (0,))
    assert not list(tmp_path.iterdir())


def test_every_kind_of_picture_has_the_same_faces(finder):
    expected = finder.detect(IMAGE, landmarks=True)
    for given in (
        pil.fromarray(IMAGE),
        pil.fromarray(IMAGE).convert("RGBA"),
        torch.from_numpy(IMAGE),
        torch.from_numpy(IMAGE.transpose(2, 0, 1)),
        torch.from_numpy(IMAGE.transpose(2, 0, 1).astype(np.float32) / 255).requires_grad_(),
        IMAGE.astype(np.float32),
    ):
        for one, other in zip(finder.detect(given, landmarks=True), expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_pictures_of_different_sizes_with_and_without_faces(finder):
    images = [IMAGE, BLACK, pil.fromarray(picture(2, 60, 70)), picture(3, 200, 33)]
    together = finder.detect(images, landmarks=True)
    assert [len(one) for one in together] == [4, 4, 4]
    for number, image in enumerate(images):
        compared([one[number] for one in together], finder.detect(image, landmarks=True))
    batch = np.stack([IMAGE, picture(4)])
    for given in (batch, torch.from_numpy(batch), torch.from_numpy(batch.transpose(0, 3, 1, 2))):
        boxes, _ = finder.detect(given)
        assert len(boxes) == 2
        np.testing.assert_allclose(boxes[0], finder.detect(IMAGE)[0], atol=0.01)
    assert finder.detect([], landmarks=True) == ([], [], [])
    assert finder([]) == []


def test_more_pictures_than_are_looked_at_together(finder, monkeypatch):
    monkeypatch.setattr(detector, "TOGETHER", 2)
    boxes, _ = finder.detect([IMAGE, BLACK, IMAGE, IMAGE, BLACK])
    assert [len(one) for one in boxes] == [len(boxes[0]), len(boxes[1])] + [len(boxes[0])] * 2 + [
        len(boxes[1])
    ]


@pytest.mark.parametrize(
    "method", ["largest", "probability", "largest_over_threshold", "center_weighted_size"]
)
def test_selection_methods(method, weights, finder):
    boxes, scores, points = finder.detect(IMAGE, landmarks=True)
    chosen = MTCNN(weights=weights, selection_method=method)
    face, prob = chosen(IMAGE, return_prob=True)
    box, score, point = chosen.select_boxes(boxes, scores, points, IMAGE, method=method)
    index = np.nonzero((boxes == box[0]).all(1))[0][0]
    assert isinstance(score, float)
    assert prob == score == scores[index]
    np.testing.assert_array_equal(point[0], points[index])
    torch.testing.assert_close(face, chosen.extract(IMAGE, box, None))
    many = chosen.select_boxes([boxes, boxes[:0]], [scores, []], [points, None], [IMAGE, BLACK], method)
    assert [len(one) for one in many[0]] == [1, 0]
    assert [one.shape for one in many[1]] == [(1,), (0,)]


def test_a_face_above_no_threshold_is_none(finder):
    boxes, scores, points = finder.detect(IMAGE, landmarks=True)
    found = finder.select_boxes(
        boxes, scores, points, IMAGE, method="largest_over_threshold", threshold=1.0
    )
    assert found[0].shape == (0, 4)
    assert math.isnan(found[1])
    assert found[2].shape == (0, 5, 2)


def test_what_facenet_pytorch_returned_is_taken_back(finder):
    """None for a picture without faces."""
    assert finder.extract(IMAGE, None, None).shape == (0, 3, 160, 160)
    faces = finder.extract([IMAGE, BLACK], np.array([finder.detect(IMAGE)[0], None], object), None)
    assert len(faces[0])
    assert faces[1].shape == (0, 3, 160, 160)
    box, prob, _ = finder.select_boxes([None], [[None]], [None], [IMAGE])
    assert (box[0].shape, prob[0].shape) == ((0, 4), (0,))


def test_faces_and_post_process(weights):
    plain = MTCNN(weights=weights, image_size=48, margin=8, post_process=False)
    face = plain(IMAGE)
    assert (face.shape, face.dtype) == ((3, 48, 48), torch.float32)
    assert 0 <= face.min() < face.max() <= 255
    plain.post_process = True
    torch.testing.assert_close(plain(IMAGE), (face - 127.5) / 128)
    plain.keep_all = True
    faces = plain(IMAGE)
    assert faces.shape == (len(plain.detect(IMAGE)[0]), 3, 48, 48)
    torch.testing.assert_close(faces[0], plain.extract(IMAGE, plain.detect(IMAGE)[0][:1], None)[0])


def test_faces_are_saved_before_post_process(finder, tmp_path):
    count = len(finder.detect(IMAGE)[0])
    finder(IMAGE, save_path=tmp_path / "new" / "a.png")
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names == sorted(["a.png"] + [f"a_{number}.png" for number in range(2, count + 1)])
    first = cv2.imread(str(tmp_path / "new" / "a.png"))[..., ::-1].transpose(2, 0, 1)
    expected = finder.extract(IMAGE, finder.detect(IMAGE)[0], None)[0] * 128 + 127.5
    np.testing.assert_array_equal(first, expected.numpy())
    finder([IMAGE, BLACK], save_path=[str(tmp_path / "b.png"), str(tmp_path / "c.png")])
    assert (tmp_path / "b.png").is_file()


def test_arguments_may_be_set_later(weights):
    finder = MTCNN(weights=weights)
    first = finder.detect(IMAGE)[0]
    finder.thresholds, finder.min_face_size = [0.7, 0.7, 0.7], 40
    changed = finder.detect(IMAGE)[0]
    expected = MTCNN(weights=weights, thresholds=(0.7, 0.7, 0.7), min_face_size=40).detect(IMAGE)[0]
    np.testing.assert_array_equal(changed, expected)
    assert len(first) != len(changed)
    assert finder.eval().to("cpu") is finder


def test_copies(finder):
    expected = finder.detect(IMAGE)[0]
    for other in (copy.deepcopy(finder), pickle.loads(pickle.dumps(finder))):
        np.testing.assert_array_equal(other.detect(IMAGE)[0], expected)


def test_weights_of_every_layout_find_the_same(weights, finder, tmp_path):
    expected = finder.detect(IMAGE)[0]
    for layout in ("protoface", "facenet"):
        convert_folder(weights, tmp_path / layout, layout)
        np.testing.assert_array_equal(MTCNN(weights=tmp_path / layout).detect(IMAGE)[0], expected)
    files = sorted(weights.iterdir(), reverse=True)
    np.testing.assert_array_equal(MTCNN(weights=files).detect(IMAGE)[0], expected)


def test_weights_of_an_installed_facenet_pytorch(weights, tmp_path, monkeypatch):
    monkeypatch.setattr(detector, "FACENET_PYTORCH", "facenet_of_this_test")
    with pytest.raises(
        ProtofaceError, match="MTCNN needs weights: a folder with pnet, .* not installed"
    ):
        MTCNN()
    package = tmp_path / "facenet_of_this_test"
    convert_folder(weights, package / "data", "facenet")
    (package / "__init__.py").write_text("raise ImportError('torchvision')")
    monkeypatch.syspath_prepend(tmp_path)
    assert MTCNN().weights[0] == str(package / "data" / "pnet.pt")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"margin": 160}, r"margin is 160, it must be at least 0 and less than image_size (160)"),
        ({"image_size": 0}, "image_size is 0"),
        (
            {"selection_method": "biggest"},
            "selection method 'biggest' is unknown; there are largest, prob",
        ),
        ({"min_face_size": 0}, "min_face_size is 0, it must be 1 pixel or more"),
        ({"min_face_size": float("nan")}, "min_face_size is nan"),
        ({"thresholds": [0.6, 0.7]}, "thresholds are [0.6, 0.7]; give three numbers of 0 to 1"),
        ({"thresholds": [0.6, 0.7, 7]}, "thresholds are [0.6, 0.7, 7]"),
        ({"factor": 1}, "factor is 1, it must be above 0 and below 1"),
        ({"device": "mps"}, "device 'mps' is unknown; there are cpu and cuda"),
        ({"mode": "quick"}, "mode 'quick' is unknown"),
        ({"weights": "nowhere"}, "nowhere"),
    ],
)
def test_arguments_that_cannot_be(arguments, message, weights):
    with pytest.raises(ProtofaceError, match=re.escape(message)) as caught:
        MTCNN(**{"weights": weights, **arguments})
    assert "\n" not in str(caught.value)


def test_calls_that_cannot_be(finder, tmp_path):
    with pytest.raises(ProtofaceError, match="save_path is one; give a list of 2"):
        finder([IMAGE, IMAGE], save_path=str(tmp_path / "x.png"))
    with pytest.raises(ProtofaceError, match="1 results for 2 pictures; give one for each"):
        finder.extract([IMAGE, IMAGE], [finder.detect(IMAGE)[0]], None)
    with pytest.raises(ProtofaceError, match="selection method 'x' is unknown"):
        finder.select_boxes([], [], [], [], method="x")
    with pytest.raises(ProtofaceError, match="the picture is str"):
        finder.detect("photo.jpg")
    assert not list(tmp_path.iterdir())
