"""Other finders: left out by name where they cannot run, measured like our own where they can."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError
from protoface.eval import peers
from protoface.eval.datasets.dataset import read_dataset
from protoface.eval.evaluation import Found, evaluate
from protoface.eval.peers import PEERS, AbsentError, Peer, evaluate_peer, open_peers

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
        return lambda image: None if image[0, 0, 0] == 3 else np.zeros((5, 2))

    monkeypatch.setitem(peers.PEERS, "stand-in", Peer(stand_in, ("numpy",), "BSD"))
    finders, absent = open_peers(["stand-in"])
    assert absent == []
    ((name, finder),) = finders.items()
    assert name == f"stand-in {np.__version__} (BSD)"
    measured = evaluate(finder, read_dataset(celeba))
    assert len(measured.kept) == 9
    assert "003.png: no face found" in measured.skipped[0]
    assert measured.summary("crop_diagonal", 0) is None  # a peer has no crop


def test_a_peer_is_measured_on_a_set_of_many_points(tmp_path):
    """Its five points against those of 68, over the distance of the outer corners."""
    five = FACE[None] - (5, 5)
    (truth,) = with_68_points(five)
    write_csv(tmp_path, {"a.png": truth})
    write_picture(tmp_path / "a.png")
    found = evaluate_peer(lambda images: [Found((five[0] + (3, 0),), (1.0,))], read_dataset(tmp_path))
    width = np.linalg.norm(truth[36] - truth[45])
    np.testing.assert_allclose(found.errors("inter_ocular", 0), 3 / width)


def test_what_a_peer_lacks_is_one_line(monkeypatch):
    def absent(model):
        raise AbsentError("not installed (pip install it)")

    monkeypatch.setitem(peers.PEERS, "absent", Peer(absent, (), "-"))
    assert open_peers(["absent"]) == ({}, ["absent: not installed (pip install it)"])


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
