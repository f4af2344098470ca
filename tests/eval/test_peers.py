"""Other finders: left out by name where they cannot run, measured like our own where they can."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError
from protoface.eval import peers
from protoface.eval.datasets.dataset import read_dataset, read_set
from protoface.eval.detection import evaluate_boxes
from protoface.eval.evaluation import evaluate
from protoface.eval.peers import (
    PEERS,
    YUNET_SCORE,
    AbsentError,
    Opened,
    Peer,
    evaluate_peer,
    face_of,
    open_peers,
)

from .celeba_set import FACE, with_68_points
from .datasets.face_folders import write_csv, write_picture


def test_a_peer_without_a_model_file_is_left_out_by_name():
    finders, absent = open_peers(["yunet"])
    assert finders == {}
    assert absent == [
        "yunet: no model file; give yunet=face_detection_yunet.onnx of OpenCV's model zoo"
    ]


def test_all_names_every_peer_once():
    finders, absent = open_peers(["all"])
    named = [name.split()[0].rstrip(":") for name in [*finders, *absent]]
    assert sorted(named) == sorted(PEERS)


def test_unknown_names_and_missing_files_are_refused():
    with pytest.raises(ProtofaceError, match="peer 'arcface' is unknown; there are all, yunet"):
        open_peers(["arcface"])
    with pytest.raises(ProtofaceError, match=r"none.onnx: no such model file for the peer 'yunet'"):
        open_peers(["yunet=none.onnx"])


def test_a_peer_is_measured_and_its_misses_counted(celeba, monkeypatch):
    """A stand-in for an installed peer: five points at the left edge, no face in picture 3."""

    def stand_in(model):
        return Opened(
            lambda image: [] if image[0, 0, 0] == 3 else [face_of(np.zeros((5, 2)))], "with a note"
        )

    monkeypatch.setitem(peers.PEERS, "stand-in", Peer(stand_in, ("numpy",), "BSD"))
    finders, absent = open_peers(["stand-in"])
    assert absent == []
    ((name, finder),) = finders.items()
    assert name == f"stand-in {np.__version__} (BSD; with a note)"
    measured = evaluate(finder, read_dataset(celeba))
    assert (len(measured.kept), measured.skipped) == (10, ())
    assert np.flatnonzero(~measured.found).tolist() == [3]
    assert measured.summary("crop_diagonal", 0) is None  # a peer has no crop


def test_a_peer_is_measured_on_a_set_of_many_points(tmp_path):
    """Its five points against those of 68, over the distance of the outer corners."""
    five = FACE[None] - (5, 5)
    (truth,) = with_68_points(five)
    write_csv(tmp_path, {"a.png": truth})
    write_picture(tmp_path / "a.png")
    found = evaluate_peer(lambda images: [[face_of(five[0] + (3, 0))]], read_dataset(tmp_path))
    width = np.linalg.norm(truth[36] - truth[45])
    np.testing.assert_allclose(found.errors("inter_ocular", 0), 3 / width)


def test_what_a_peer_lacks_is_one_line(monkeypatch):
    def absent(model):
        raise AbsentError("not installed (pip install it)")

    monkeypatch.setitem(peers.PEERS, "absent", Peer(absent, (), "-"))
    assert open_peers(["absent"]) == ({}, ["absent: not installed (pip install it)"])


class FakeYuNet:
    """A stand-in for OpenCV's detector, which needs a model file: it answers in its documented rows."""

    def setInputSize(self, size):  # noqa: N802
        self.size = size

    def detect(self, image):
        assert self.size == image.shape[1::-1]
        if not image.any():
            return 0, None
        points = np.arange(10.0)
        return 2, np.array([[1, 2, 30, 40, *points, 0.9], [5, 6, 7, 8, *(points + 1), 0.4]], np.float32)


def test_yunet_gives_boxes_points_and_scores(monkeypatch, tmp_path):
    """Its rows are x, y, width, height, five points, score. Mocked: no model file comes with OpenCV."""
    made = []

    def create(*arguments):
        made.append(arguments)
        return FakeYuNet()

    monkeypatch.setattr("cv2.FaceDetectorYN.create", create)
    model = tmp_path / "yunet.onnx"
    model.touch()
    finders, absent = open_peers([f"yunet={model}"])
    assert absent == []
    assert made == [(str(model), "", (320, 320), YUNET_SCORE)]
    (finder,) = finders.values()
    faces, none = finder([np.full((48, 64, 3), 9, np.uint8), np.zeros((10, 20, 3), np.uint8)])
    assert none == []
    assert [face.score for face in faces] == pytest.approx([0.9, 0.4])
    np.testing.assert_allclose(faces[0].box, (1, 2, 30, 40))
    np.testing.assert_allclose(faces[1].points, np.arange(1, 11).reshape(5, 2))


def test_a_file_that_is_no_model_is_one_line(tmp_path):
    file = tmp_path / "yunet.onnx"
    file.write_bytes(b"no model")
    with pytest.raises(
        ProtofaceError, match=r"yunet.onnx: OpenCV cannot load it as YuNet \(.*\)"
    ) as said:
        open_peers([f"yunet={file}"])
    assert "\n" not in str(said.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dlib", "mediapipe"])
def test_real_peers_find_real_faces(name, shared):
    """Mean error of the eye distance on net7876 val: well under that of the mean shape, 41.7 %."""
    finders, absent = open_peers([name])
    if absent:
        pytest.skip(absent[0])
    dataset = read_dataset(shared / "faces" / "net7876", "val")
    measured = evaluate(next(iter(finders.values())), dataset)
    assert len(measured.kept) > 0.9 * len(dataset)
    assert measured.summary("inter_ocular", 0).mean < 0.10


@pytest.mark.slow
def test_the_published_mtcnn_has_its_published_precision(shared):
    """facenet-pytorch on WIDER val as stored here: AP for faces of 12, 30 and 60 pixels.

    Figures known from elsewhere: 0.67, 0.86, 0.87. So a mistake in the measure would show.
    """
    finders, absent = open_peers(["facenet"])
    if absent:
        pytest.skip(absent[0])
    (finder,) = finders.values()
    found = evaluate_boxes(finder, read_set(shared / "faces" / "wider", "val"))
    areas = [found.curve(least).area for least in (12, 30, 60)]
    np.testing.assert_allclose(areas, (0.67, 0.86, 0.87), atol=0.01)
