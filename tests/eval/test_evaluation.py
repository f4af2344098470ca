"""Measuring: known errors come out, bad pictures are skipped, memory stays flat."""

import json
from dataclasses import replace

import numpy as np
import pytest

from protoface import cascade
from protoface.cascade.cascade_pb2 import LayoutParameter
from protoface.cascade.layouts import find_layout, make_layout
from protoface.converters import ProtofaceError
from protoface.eval.datasets.dataset import read_dataset
from protoface.eval.evaluation import (
    as_json,
    evaluate,
    evaluate_cascade,
)
from protoface.eval.finders import cascade_finder, converting
from protoface.eval.summary import NORMALISERS

from .celeba_set import FACE, offset_finder, with_68_points
from .datasets.face_folders import write_csv, write_picture
from .found_faces import a_face


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
    assert set(content) == {"n", "skipped", "not_found", "level_1", "cascade"}
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


def missing(*pictures, score=np.nan):
    """A finder that is 3 pixels off and finds nothing in these pictures."""

    def find(images):
        return [
            [] if image[0, 0, 0] in pictures else [replace(face, score=score)]
            for image, (face,) in zip(images, offset_finder(6, 3)(images), strict=True)
        ]

    return find


def test_faces_that_are_not_found_are_failures_and_in_no_mean(celeba):
    measured = evaluate(missing(2, 7, score=0.9), read_dataset(celeba))
    assert (len(measured.kept), measured.not_found, measured.skipped) == (10, 2, ())
    for normaliser in NORMALISERS:
        for level in (0, 1):
            summary = measured.summary(normaliser, level)
            assert (summary.n, summary.not_found, summary.excluded) == (10, 2, 0)
            full = evaluate(offset_finder(6, 3), read_dataset(celeba)).summary(normaliser, level)
            assert summary.mean == pytest.approx(full.mean)
            assert summary.per_point == pytest.approx(full.per_point)
            assert summary.auc == pytest.approx(0.8 * full.auc)
            expected = 1 if full.mean > 0.1 else 0.2
            assert summary.failure_rate == pytest.approx(expected)
    content = as_json(measured, NORMALISERS)
    assert (content["n"], content["not_found"], content["skipped"]) == (10, 2, 0)
    assert len(measured.where_found().kept) == 8


def test_a_finder_that_finds_nothing_at_all_fails_everywhere(celeba):
    measured = evaluate(missing(*range(10)), read_dataset(celeba), names=("one", "two"))
    assert (measured.names, measured.not_found) == (("two",), 10)
    summary = measured.summary("inter_ocular", 0)
    assert (summary.failure_rate, summary.auc) == (1, 0)
    content = as_json(measured, NORMALISERS)["cascade"]["nme"]["inter_ocular"]
    assert (content["mean"], content["ci95"], content["not_found"]) == (None, [None, None], 10)
    assert "NaN" not in json.dumps(content)


def test_the_annotated_face_is_measured_wherever_it_stands_among_the_others(celeba):
    """Two more faces in every picture: a better scored one elsewhere, one beside the true one."""

    def find(images):
        found = []
        for image, (face,) in zip(images, offset_finder(6, 3)(images), strict=True):
            elsewhere = a_face(face.points + (200, 0), face.points + (200, 0), score=0.99)
            beside = a_face(face.points + (14, 0), face.points + (14, 0), score=0.95)
            found.append(
                [elsewhere, beside, a_face(*face.stages, score=0.6)][: 1 + 2 * (image[0, 0, 0] > 4)]
            )
        return found

    measured = evaluate(find, read_dataset(celeba))
    np.testing.assert_array_equal(measured.found, np.arange(10) > 4)
    near = measured.where_found()
    np.testing.assert_allclose(near.errors("inter_ocular", 1), 0.1)


def test_stages_without_points_are_no_levels(celeba):
    none = np.zeros((0, 2))

    def find(images):
        return [
            [a_face(none, *face.stages, diagonals=(5, 100, 50))]
            for (face,) in offset_finder(6, 3)(images)
        ]

    measured = evaluate(find, read_dataset(celeba), names=("boxes", "coarse", "fine"))
    assert measured.names == ("coarse", "fine")
    assert measured.summary("crop_diagonal", 1).mean == pytest.approx(3 / 50)
    with pytest.raises(
        ProtofaceError, match="answers with 0 points, the layout celeba5 has 5; measure"
    ):
        evaluate(lambda images: [[a_face(none)] for _ in images], read_dataset(celeba))


def test_the_cascades_of_one_face_are_measured_wherever_they_look(celeba):
    """They give no score, so a face far off is a large error, not one that is missing."""
    measured = evaluate(offset_finder(0, 500), read_dataset(celeba))
    assert measured.not_found == 0
    assert measured.summary("inter_ocular", 1).mean == pytest.approx(500 / 30)


def test_batches_keep_the_order(celeba, monkeypatch):
    monkeypatch.setattr("protoface.eval.finders.BATCH", 3)
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
        return [[a_face(face.points)] for (face,) in offset_finder(0, 3)(images)]

    content = as_json(evaluate(find, read_dataset(celeba)), NORMALISERS)
    assert set(content) == {"n", "skipped", "not_found", "cascade"}


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
            [] if image[0, 0, 0] == 5 else [a_face(wide[image[0, 0, 0]] + (6, 0), wide[image[0, 0, 0]])]
            for image in images
        ]

    answers = converting(find, find_layout("ibug68"), five.layout)
    measured = evaluate(answers, five)
    assert measured.not_found == 1
    seen = measured.where_found()
    np.testing.assert_allclose(seen.errors("inter_ocular", 0), 6 / 30)
    np.testing.assert_allclose(seen.errors("inter_ocular", 1), 0, atol=1e-12)


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
