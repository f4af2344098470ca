"""Sets in general: which reader is asked, partitions, subsets, conversion, and what is refused."""

import numpy as np
import pytest

from protoface.cascade.layouts import find_layout
from protoface.converters import ProtofaceError
from protoface.eval.datasets.dataset import list_dataset, read_dataset

from ..celeba_set import FACE
from .face_folders import shape_68, write_csv, write_pts, write_wflw


def test_every_layout_of_folders_is_known_by_itself(celeba, tmp_path):
    write_csv(tmp_path / "csv", {"a.png": shape_68()})
    write_pts(tmp_path / "w300" / "a.pts", shape_68())
    write_wflw(tmp_path / "wflw", test=[("x/a.png", np.ones((98, 2)))])
    layouts = {celeba: "celeba5"}
    layouts |= {tmp_path / "csv": "ibug68", tmp_path / "w300": "ibug68", tmp_path / "wflw": "wflw98"}
    for folder, layout in layouts.items():
        found = list_dataset(folder)
        assert found.layout is find_layout(layout)
        assert found.truth.shape == (len(found), len(found.layout), 2)
        assert found.name == f"{folder.name} all"


def test_a_folder_that_is_no_set_is_told_what_was_looked_for(tmp_path):
    with pytest.raises(
        ProtofaceError,
        match=r"holds no annotated set .*: has none of landmarks68.csv \(68 points\), "
        r"list_landmarks_celeba.txt \(CelebA\), list_98pt_rect_attr_test.txt \(WFLW\), "
        r"wider_face_val_bbx_gt.txt \(WIDER FACE\), .pts files \(300-W\), pictures without faces",
    ):
        read_dataset(tmp_path)
    with pytest.raises(ProtofaceError, match="nowhere: not a folder"):
        read_dataset(tmp_path / "nowhere")


def test_a_subset_keeps_everything_of_its_faces(tmp_path):
    shapes = np.random.default_rng(0).uniform(10, 90, (4, 98, 2))
    flags = [(0, 0, 0, 0, 0, 0), (1, 0, 0, 0, 0, 1), (0, 1, 0, 0, 0, 1), (0, 0, 0, 0, 0, 0)]
    names = [f"x/{number}.png" for number in range(4)]
    folder = write_wflw(tmp_path, test=list(zip(names, shapes, flags, strict=True)))
    whole = list_dataset(folder)
    part = whole.subset([2, 0])
    assert part.names == ("x/2.png", "x/0.png")
    assert part.paths == tuple(folder / "WFLW_images" / name for name in part.names)
    np.testing.assert_array_equal(part.truth, whole.truth[[2, 0]])
    np.testing.assert_array_equal(part.boxes, whole.boxes[[2, 0]])
    np.testing.assert_array_equal(part.parts, [2, 2])
    assert {name: flags.tolist() for name, flags in part.attributes.items() if flags.any()} == {
        "expression": [True, False],
        "blur": [True, False],
    }
    lengths = whole.as_layout(find_layout("celeba5")).subset([2, 0]).inter_ocular
    np.testing.assert_array_equal(lengths, whole.inter_ocular[[2, 0]])


def test_evenly(celeba):
    whole = read_dataset(celeba)
    assert whole.evenly(4).names == ("000.png", "002.png", "005.png", "007.png")
    assert whole.evenly(10) is whole


def test_iterating_gives_each_face_with_its_part(celeba):
    faces = list(list_dataset(celeba))
    assert [face.part for face in faces] == ["train"] * 5 + ["val"] * 2 + ["test"] * 3
    assert faces[7].path == f"{celeba}/images/007.png"
    np.testing.assert_array_equal(faces[7].points, FACE + (7, 0))


def test_points_are_converted_and_lengths_stay(tmp_path):
    """For five points of 68 the eye distance stays that of the outer corners."""
    truth = shape_68()
    write_pts(tmp_path / "a.pts", truth)
    found = list_dataset(tmp_path)
    five = found.as_layout(find_layout("celeba5"))
    assert found.as_layout(find_layout("ibug68")) is found
    np.testing.assert_allclose(five.truth[0, 0], truth[36:42].mean(0))
    np.testing.assert_allclose(five.truth[0, 2], truth[30])
    np.testing.assert_allclose(five.inter_ocular, np.linalg.norm(truth[36] - truth[45]))
    eyes = truth[36:42].mean(0), truth[42:48].mean(0)
    np.testing.assert_allclose(five.distance("inter_pupil"), np.linalg.norm(eyes[0] - eyes[1]))
    assert five.distance("of the ears") is None
    with pytest.raises(ProtofaceError, match="'ibug68' cannot be converted to 'wflw98'"):
        found.as_layout(find_layout("wflw98"))


def test_a_partition_may_be_a_folder_of_pictures(tmp_path):
    for name in ("lfpw/testset/a", "lfpw/trainset/a", "lfpw/trainset/b", "afw/a"):
        write_pts(tmp_path / f"{name}.pts", shape_68())
    whole = list_dataset(tmp_path)
    assert whole.partition("lfpw/trainset").names == ("lfpw/trainset/a.jpg", "lfpw/trainset/b.jpg")
    assert len(whole.partition("lfpw")) == 3
    assert whole.partition("lfpw/").name == f"{tmp_path.name} lfpw/"
    assert len(whole.partition("train")) == 3
    with pytest.raises(
        ProtofaceError,
        match="'lfp' is unknown; there are train, val, test, afw, lfpw/testset, lfpw/trainset",
    ):
        whole.partition("lfp")
    with pytest.raises(ProtofaceError, match="the partition 'val' is empty"):
        whole.partition("val")


def test_a_set_without_partitions_says_so_or_draws_them(celeba):
    (celeba / "list_eval_partition.txt").unlink()
    with pytest.raises(ProtofaceError, match="does not say which .* leave out --partition to measure"):
        read_dataset(celeba, "test")
    drawn = list_dataset(celeba, seed=3)
    expected = np.random.default_rng(3).random(10) <= 0.8
    assert [face.part == "train" for face in drawn] == expected.tolist()
    assert {face.part for face in drawn} == {"train", "test"}
    assert {face.part for face in list_dataset(celeba)} == {""}


def test_missing_pictures_are_named(celeba):
    (celeba / "images" / "008.png").unlink()
    found = read_dataset(celeba)
    assert len(found) == 9
    assert found.skipped == (f"{celeba / 'images' / '008.png'}: listed, but there is no such picture",)
    assert len(list_dataset(celeba)) == 10
    for path in (celeba / "images").iterdir():
        path.unlink()
    with pytest.raises(ProtofaceError, match="no picture to measure in set test; 3 were skipped"):
        read_dataset(celeba, "test")


def test_an_unknown_partition_is_refused(celeba):
    with pytest.raises(ProtofaceError, match="'dev' is unknown; there are train, val, test"):
        read_dataset(celeba, "dev")
