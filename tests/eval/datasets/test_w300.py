"""300-W's folders: points from 1, partitions by folders, both kinds of pictures."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError
from protoface.eval.datasets.dataset import list_dataset, read_dataset

from .face_folders import shape_68, write_picture, write_pts


def test_points_are_counted_from_one(tmp_path):
    truth = shape_68()
    path = write_pts(tmp_path / "a.pts", truth)
    first = path.read_text().splitlines()[3].split()
    assert np.array(first, float).tolist() == (truth[0] + 1).tolist()
    np.testing.assert_allclose(list_dataset(tmp_path).truth[0], truth, atol=1e-9)


def test_pictures_lie_beside_their_points(tmp_path):
    for name in ("b/one.png", "a/two.jpg", "a/none.jpg"):
        write_pts((tmp_path / name).with_suffix(".pts"), shape_68())
        if "none" not in name:
            write_picture(tmp_path / name)
    write_picture(tmp_path / "a" / "unlabelled.jpg")
    found = read_dataset(tmp_path)
    assert found.names == ("a/two.jpg", "b/one.png")
    assert found.skipped == (f"{tmp_path / 'a/none.jpg'}: listed, but there is no such picture",)
    assert (found.boxes, dict(found.attributes)) == (None, {})


def test_folders_are_partitions(tmp_path):
    for name in ("lfpw/trainset", "lfpw/testset", "helen/trainset", "afw", "ibug"):
        write_pts(tmp_path / name / "a.pts", shape_68())
    whole = list_dataset(tmp_path)
    assert {face.name: face.part for face in whole} == {
        "lfpw/trainset/a.jpg": "train",
        "helen/trainset/a.jpg": "train",
        "afw/a.jpg": "train",
        "lfpw/testset/a.jpg": "test",
        "ibug/a.jpg": "test",
    }
    # a folder in it alone is a set, with the same partitions
    assert [face.part for face in list_dataset(tmp_path / "lfpw")] == ["test", "train"]
    assert [face.part for face in list_dataset(tmp_path / "lfpw" / "testset")] == ["test"]
    write_pts(tmp_path / "mine" / "a.pts", shape_68())
    with pytest.raises(ProtofaceError, match="mine: does not say which pictures are for train"):
        list_dataset(tmp_path / "mine").partition("test")


def test_77_points_are_another_layout_and_not_mixed(tmp_path):
    write_pts(tmp_path / "a.pts", shape_68(77))
    assert list_dataset(tmp_path).layout.name == "ibug77"
    write_pts(tmp_path / "b.pts", shape_68(68))
    with pytest.raises(ProtofaceError, match=r"b.pts: has 68 points, .*a.pts has 77"):
        list_dataset(tmp_path)


def changed(text: str, **lines: str) -> str:
    rows = text.splitlines()
    for number, line in lines.items():
        rows[int(number[1:]) - 1] = line
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: changed(text, _2="n_points: 29"), "line 2: n_points is 29, needs 68 or 77"),
        (lambda text: changed(text, _2="points: 68"), "does not say how many points it has"),
        (lambda text: changed(text, _5="12.5"), "line 5: not two numbers: '12.5'"),
        (lambda text: changed(text, _5="1 2 3"), "line 5: not two numbers: '1 2 3'"),
        (lambda text: changed(text, _6="x 2"), "line 6: not two numbers: 'x 2'"),
        (lambda text: changed(text, _6="1 nan"), "line 6: not two numbers: '1 nan'"),
        (lambda text: changed(text, _7=""), "has 67 points, n_points says 68"),
        (lambda text: text[:300], "needs its points in lines between { and }"),
        (lambda text: "", "the file is empty"),
    ],
)
def test_mistakes_name_file_and_line(change, message, tmp_path):
    path = write_pts(tmp_path / "a.pts", shape_68())
    path.write_text(change(path.read_text()))
    with pytest.raises(ProtofaceError, match=f"a.pts: {message}"):
        list_dataset(tmp_path)


@pytest.mark.slow
def test_real_folders(shared):
    folder = shared / "faces" / "w300"
    found = read_dataset(folder)
    counts = {"lfpw/trainset": 805, "lfpw/testset": 224, "helen/trainset": 870, "afw": 337}
    assert {name: len(found.partition(name)) for name in counts} == counts
    assert len(found.partition("test")) == 224
    assert found.skipped == ()
    assert read_dataset(folder / "lfpw", "test").names[0].startswith("testset/")
    inside = (found.truth > -60).all() and (found.truth < 300).all()  # cropped to 240 pixels
    assert inside
