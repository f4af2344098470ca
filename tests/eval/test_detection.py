"""Detections measured on drawn sets: against a slow computation of its own, and rule by rule."""

import json
import time

import numpy as np
import pytest

from protoface.converters import ProtofaceError
from protoface.eval.datasets.dataset import read_set
from protoface.eval.detection import LEAST, SCORES, detection_json, evaluate_boxes, ranked

from .datasets.wider_set import INVALID, write_wider
from .found_faces import a_box

PICTURES = 12


def scene(seed: int = 0):
    """Faces of 5 to 90 pixels, some ignored, and what a finder says: near them, twice, or anywhere."""
    generator = np.random.default_rng(seed)
    truth, found = [], []
    for _ in range(PICTURES):
        count = generator.integers(0, 7)
        places, sides = generator.uniform(0, 400, (count, 2)), generator.uniform(5, 90, (count, 2))
        boxes = np.concatenate((places, sides), axis=1).round(1)
        flags = generator.uniform(0, 1, count) < 0.2
        truth.append(
            [(*box, *(INVALID if flag else ())) for box, flag in zip(boxes, flags, strict=True)]
        )
        near = boxes.repeat(2, axis=0)[generator.uniform(0, 1, 2 * count) < 0.6]
        near = near + generator.normal(0, 0.12, near.shape) * near[:, 2:].repeat(2, axis=1)
        wrong = generator.uniform(10, 100, (generator.integers(0, 4), 4))
        every = np.concatenate((near, wrong))
        every[:, 2:] = np.abs(every[:, 2:])
        found.append(np.concatenate((every, generator.uniform(0, 1, (len(every), 1)).round(2)), axis=1))
    return truth, found


@pytest.fixture
def measure(tmp_path):
    """Writes a set with these faces, and measures a finder that finds `found` in its pictures."""

    def run(truth, found):
        pictures = {f"e/{number:02d}.png": faces for number, faces in enumerate(truth)}
        dataset = read_set(write_wider(tmp_path, val=pictures))
        return evaluate_boxes(
            lambda images: [[a_box(*row) for row in found[image[0, 0, 0]]] for image in images], dataset
        )

    return run


def iou(a, b):
    """Of two boxes, one coordinate after the other."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = width * height if width > 0 and height > 0 else 0
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def slow_average_precision(truth, found, least):
    """Average precision with plain loops over everything found in the whole set, best score first."""
    taken, outcomes, faces = set(), [], 0
    for boxes in truth:
        faces += sum(len(box) == 4 and box[3] >= least for box in boxes)
    every = [(row[4], picture, row[:4]) for picture, rows in enumerate(found) for row in rows]
    for score, picture, box in sorted(every, key=lambda each: -each[0]):
        best, ignored = None, False
        for number, face in enumerate(truth[picture]):
            if iou(box, face) < 0.5:
                continue
            if len(face) > 4 or face[3] < least:
                ignored = True
            elif (picture, number) not in taken and (
                best is None or iou(box, face) > iou(box, truth[picture][best])
            ):
                best = number
        if best is not None:
            taken.add((picture, best))
            outcomes.append((score, True))
        elif not ignored:
            outcomes.append((score, False))
    curve = []
    for threshold in sorted({score for score, _ in outcomes}, reverse=True):
        kept = [hit for score, hit in outcomes if score >= threshold]
        curve.append((sum(kept) / faces, sum(kept) / len(kept)))
    area, before = 0.0, 0.0
    for recall, _ in curve:
        area += (recall - before) * max(precision for other, precision in curve if other >= recall)
        before = recall
    alarms = sum(not hit for _, hit in outcomes)
    return area, faces, alarms


@pytest.mark.parametrize("seed", range(4))
def test_average_precision_is_that_of_plain_loops(seed, measure):
    truth, found = scene(seed)
    measured = measure(truth, found)
    for least in LEAST:
        area, faces, alarms = slow_average_precision(truth, found, least)
        figures = measured.sizes[least]
        assert (figures.faces, figures.false_alarms) == (faces, alarms)
        assert figures.ap == pytest.approx(area, abs=1e-12)
        assert figures.ap_ci95[0] <= figures.ap <= figures.ap_ci95[1]


def test_faces_that_are_small_or_ignored_count_neither_way(measure):
    """One that counts, a small one, an ignored one; all are found, and a place without a face."""
    truth = [[(10, 10, 40, 40), (100, 10, 8, 8), (200, 10, 40, 40, *INVALID)]]
    boxes = [(10, 10, 40, 40, 0.9), (100, 10, 8, 8, 0.8), (200, 10, 40, 40, 0.7)]
    found = measure(truth, [boxes])
    assert [found.sizes[least].faces for least in LEAST] == [1, 1, 0]
    assert found.sizes[12].ap == 1
    assert found.sizes[60].ap is None
    assert found.operating().clean == 1
    worse = measure(truth, [[*boxes, (300, 10, 40, 40, 0.95)]])
    assert worse.sizes[30].ap == pytest.approx(1 / 2)
    assert (worse.operating().clean, worse.operating().false_alarms_per_picture) == (0, 1)
    missed = measure(truth, [[]])
    assert (missed.sizes[30].ap, missed.sizes[30].recall, missed.sizes[30].precision) == (0, 0, None)


def test_the_size_of_a_face_is_its_height(measure):
    found = measure([[(0, 0, 100, 29), (0, 100, 10, 30)]], [[]])
    assert [found.sizes[least].faces for least in LEAST] == [2, 1, 0]


def test_without_scores_everything_counts_alike(measure):
    truth = [[(10, 10, 40, 40)], [(10, 10, 40, 40)]]
    for found in ([[(10, 10, 40, 40)], [(90, 90, 40, 40)]], [[(90, 90, 40, 40)], [(10, 10, 40, 40)]]):
        measured = measure(truth, found)
        assert all((scores == 1).all() for scores in measured.scores)
        assert measured.sizes[30].ap == pytest.approx(1 / 4)


def test_operating_points_are_those_of_a_higher_threshold(measure):
    truth, found = scene(3)
    whole = measure(truth, found)
    for score in SCORES:
        alone = measure(truth, [rows[rows[:, 4] >= score] for rows in found]).operating()
        there = whole.operating(score)
        assert there.recall == alone.recall
        assert there.clean == alone.clean
        assert there.false_alarms_per_picture == alone.false_alarms_per_picture


def test_a_set_without_faces_has_false_alarms_only(measure):
    found = measure([[], [], []], [[(1, 2, 30, 40, 0.9)] * 2, [], []])
    assert found.sizes[12].ap is None
    assert found.operating().clean == pytest.approx(2 / 3)
    assert found.operating().false_alarms_per_picture == pytest.approx(2 / 3)
    content = detection_json(found)
    assert content["all"]["clean"] == pytest.approx(2 / 3)
    assert content["sizes"]["30"]["ap"] is None


def test_json_has_the_documented_keys(measure):
    content = json.loads(json.dumps(detection_json(measure(*scene())), allow_nan=False))
    assert set(content) == {
        "n", "skipped", "faces", "ignored", "found", "iou", "rate", "sizes", "all", "at_scores",
        "ms_per_picture",
    }  # fmt: skip
    assert set(content["sizes"]) == {"12", "30", "60"}
    assert {"ap", "ap_ci95", "recall_at_rate", "recall_at_rate_ci95", "recall"} <= set(
        content["sizes"]["30"]
    )
    assert (content["n"], content["iou"], content["rate"]) == (PICTURES, 0.5, 0.1)


def test_boxes_are_ranked_and_strange_ones_find_nothing():
    faces = [a_box(1, 2, 3, 4, 0.5), a_box(5, 6, 7, 8, 0.9), a_box(np.nan, 0, 1, 1, 0.7)]
    boxes, scores = ranked(faces)
    assert scores.tolist() == [0.9, 0.7, 0.5]
    np.testing.assert_array_equal(boxes, [(5, 6, 7, 8), (0, 0, 0, 0), (1, 2, 3, 4)])
    assert [each.shape for each in ranked([])] == [(0, 4), (0,)]


def test_pictures_that_cannot_be_read_are_skipped(tmp_path):
    names = {f"e/{number}.png": [(1, 1, 20, 20)] for number in range(3)}
    folder = write_wider(tmp_path, val=names)
    pictures = folder / "WIDER_val" / "images" / "e"
    (pictures / "1.png").write_bytes(b"no picture")
    found = evaluate_boxes(lambda images: [[] for _ in images], read_set(folder))
    assert found.kept.tolist() == [0, 2]
    assert "1.png: not a picture" in found.skipped[0]
    assert found.sizes[12].faces == 2
    for path in pictures.iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(ProtofaceError, match="no picture could be measured"):
        evaluate_boxes(lambda images: [[] for _ in images], read_set(folder))


@pytest.mark.slow
def test_many_faces_are_matched_quickly(measure):
    """250 pictures of 40 faces, 200 places found in each: matched and ranked within seconds."""
    generator = np.random.default_rng(0)
    faces = np.concatenate(
        (generator.uniform(0, 900, (40, 2)), generator.uniform(5, 90, (40, 2))), axis=1
    )
    near = np.concatenate((faces.repeat(5, axis=0), generator.uniform(0, 1, (200, 1))), axis=1)
    found = measure([faces.tolist()] * 250, [near] * 250)
    start = time.process_time()
    assert all(figures.ap > 0 for figures in found.sizes.values())
    assert time.process_time() - start < 30
