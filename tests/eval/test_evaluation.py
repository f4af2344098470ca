"""Measuring: known errors come out, bad pictures are skipped, memory stays flat."""

from dataclasses import replace

import numpy as np
import pytest

from protoface import cascade
from protoface.cascade.cascade_pb2 import LayoutParameter
from protoface.cascade.layouts import find_layout, make_layout
from protoface.converters import ProtofaceError
from protoface.eval.datasets.dataset import read_dataset
from protoface.eval.evaluation import (
    Found,
    as_json,
    cascade_finder,
    converting,
    evaluate,
    evaluate_cascade,
)
from protoface.eval.summary import NORMALISERS

from .celeba_set import FACE, offset_finder, with_68_points
from .datasets.face_folders import write_csv, write_picture


def test_known_offsets_over_every_normaliser(celeba):
    measured = evaluate(offset_finder(6, 3), read_dataset(celeba))
    expected = {
        "image_diagonal": (6 / 100, 3 / 100),  # pictures are 80 x 60
        "crop_diagonal": (6 / 100, 3 / 50),
        "inter_ocular": (6 / 30, 3 / 30),
        "inter_pupil": (6 / 30, 3 / 30),
        "box": (6 / 40, 3 / 40),
    }
    assert set(expected) == set(NORMALISERS)
    for normaliser, means in expected.items():
        for level, mean in enumerate(means):
            summary = measured.summary(normaliser, level)
            assert summary.mean == pytest.approx(mean)
            assert summary.per_point == pytest.approx([mean] * 5)
            np.testing.assert_allclose(measured.errors(normaliser, level), mean)


def test_json_has_the_documented_keys(celeba):
    content = as_json(evaluate(offset_finder(6, 3), read_dataset(celeba)), NORMALISERS)
    assert set(content) == {"n", "skipped", "level_1", "cascade"}
    assert (content["n"], content["skipped"]) == (10, 0)
    for level in ("level_1", "cascade"):
        assert set(content[level]["nme"]) == set(NORMALISERS)
        keys = {"mean", "median", "p90", "ci95", "failure_rate", "auc", "per_point"}
        assert keys <= set(content[level]["nme"]["box"])
    assert content["cascade"]["nme"]["inter_ocular"]["mean"] == pytest.approx(0.1)  # a fraction
    assert len(content["cascade"]["nme"]["box"]["per_point"]) == 5


def test_bad_pictures_are_skipped_by_name_and_the_others_keep_their_truth(celeba):
    (celeba / "images" / "003.png").write_bytes(b"no picture")
    measured = evaluate(offset_finder(6, 3), read_dataset(celeba))
    assert measured.kept.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert "003.png: not a picture" in measured.skipped[0]
    np.testing.assert_allclose(measured.errors("inter_ocular", 1), 0.1)


def test_unreadable_pictures_take_none_of_the_time(celeba):
    (celeba / "images" / "003.png").write_bytes(b"no picture")
    measured = evaluate(offset_finder(6, 3), read_dataset(celeba))
    assert measured.milliseconds == pytest.approx(1000 * measured.seconds / 9)


def test_stages_with_one_name_cannot_be_told_apart(celeba):
    measured = evaluate(offset_finder(6, 3), read_dataset(celeba), names=("twice", "twice"))
    with pytest.raises(ProtofaceError, match="stage 'twice': the results have a key of that name"):
        as_json(measured, NORMALISERS)


def test_faces_that_are_not_found_are_skipped(celeba):
    full = offset_finder(6, 3)

    def find(images):
        return [
            None if image[0, 0, 0] == 2 else found
            for image, found in zip(images, full(images), strict=True)
        ]

    measured = evaluate(find, read_dataset(celeba))
    assert len(measured.kept) == 9
    assert measured.milliseconds == pytest.approx(100 * measured.seconds)  # it was looked at
    assert measured.skipped == (f"{celeba / 'images' / '002.png'}: no face found",)
    with pytest.raises(ProtofaceError, match="no picture could be measured"):
        evaluate(lambda images: [None] * len(images), read_dataset(celeba))


def test_batches_keep_the_order(celeba, monkeypatch):
    monkeypatch.setattr("protoface.eval.evaluation.BATCH", 3)
    seen = []

    def find(images):
        seen.append(len(images))
        return offset_finder(0, 0)(images)

    measured = evaluate(find, read_dataset(celeba))
    assert seen == [3, 3, 3, 1]
    np.testing.assert_allclose(measured.errors("inter_ocular", 0), 0)


def test_without_boxes_that_normaliser_is_left_out(celeba):
    (celeba / "list_bbox_celeba.txt").unlink()
    measured = evaluate(offset_finder(6, 3), read_dataset(celeba))
    assert measured.summary("box", 0) is None
    assert np.isnan(measured.errors("box", 0)).all()
    assert "box" not in as_json(measured, NORMALISERS)["cascade"]["nme"]


def test_a_finder_of_one_level_is_a_cascade_of_one(celeba):
    def find(images):
        return [
            Found(found.levels[1:], found.crop_diagonals[1:]) for found in offset_finder(0, 3)(images)
        ]

    content = as_json(evaluate(find, read_dataset(celeba)), NORMALISERS)
    assert set(content) == {"n", "skipped", "cascade"}


def test_the_demo_pictures_are_real_caffes(shared, tmp_path):
    """Must be the values of the recorded run of real Caffe."""
    original = shared / "original"
    (tmp_path / "images").symlink_to(original / "demo_images")
    (tmp_path / "list_landmarks_celeba.txt").write_text((original / "demo_landmarks.txt").read_text())
    weights = [original / f"l{level}_net.caffemodel" for level in (1, 2)]
    found = cascade.load("original", mode="faithful", weights=weights)
    measured = evaluate(cascade_finder(found), read_dataset(tmp_path))
    with np.load(shared / "caffe_reference" / "demo_reference.npz") as reference:
        expected = reference["err_over_diag"]
    for level in (0, 1):
        np.testing.assert_allclose(
            measured.errors("image_diagonal", level), expected[:, level], atol=1e-9
        )


def test_a_cascade_is_measured_on_the_points_that_a_set_shares_with_it(folder, tmp_path):
    """Five points on 68: the truth is converted, and its length stays that of the outer corners."""
    truth = with_68_points(FACE[None] - (5, 5))[0]
    write_csv(tmp_path / "set", {"a.png": truth})
    write_picture(tmp_path / "set" / "a.png")
    dataset = read_dataset(tmp_path / "set")
    measured = evaluate_cascade(cascade.load(folder), dataset)
    assert measured.layout.name == "celeba5"
    (face,) = cascade.load(folder).detect(np.zeros((64, 64, 3), np.uint8))
    expected = np.linalg.norm(face.points - (FACE - (5, 5)), axis=1).mean()
    width = np.linalg.norm(truth[36] - truth[45])
    assert measured.errors("inter_ocular", 1) == pytest.approx(expected / width)


def test_answers_are_converted_where_the_truth_cannot_be(celeba):
    """A finder of 68 points on a set of five."""
    five = read_dataset(celeba)
    wide = with_68_points(five.truth)

    def find(images):
        return [
            None
            if image[0, 0, 0] == 5
            else Found((wide[image[0, 0, 0]] + (6, 0), wide[image[0, 0, 0]]), (1.0, 1.0))
            for image in images
        ]

    answers = converting(find, find_layout("ibug68"), five.layout)
    measured = evaluate(answers, five)
    assert len(measured.kept) == 9
    np.testing.assert_allclose(measured.errors("inter_ocular", 0), 6 / 30)
    np.testing.assert_allclose(measured.errors("inter_ocular", 1), 0, atol=1e-12)


def test_a_distance_that_a_layout_has_not_is_left_out(celeba):
    five = make_layout(LayoutParameter(point=[{"name": name} for name in "abcde"]), "a test")
    measured = evaluate(offset_finder(6, 3), replace(read_dataset(celeba), layout=five))
    assert measured.summary("inter_ocular", 0) is None
    assert set(as_json(measured, NORMALISERS)["cascade"]["nme"]) == {
        "image_diagonal",
        "crop_diagonal",
        "box",
    }


@pytest.mark.benchmark
def test_memory_does_not_grow_with_the_set(shared):
    """Four times the pictures take at most 30 MB more; one decoded picture takes half a megabyte."""
    import resource

    folder = shared / "faces" / "net7876"
    found = cascade.load(
        "original", weights=[shared / "original" / f"l{level}_net.caffemodel" for level in (1, 2)]
    )
    evaluate(cascade_finder(found), read_dataset(folder, "val"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(evaluate(cascade_finder(found), read_dataset(folder, "test")).kept) == 2027
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000
