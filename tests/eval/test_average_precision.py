"""Curves and their area, against a slow computation that shares nothing with them, and by hand."""

import numpy as np
import pytest

from protoface.eval.average_precision import RATE, Ranking


def slow_area(scores, hits, faces):
    """VOC's area below all points, threshold by threshold, in plain Python."""
    points = []
    for threshold in sorted(set(scores), reverse=True):
        kept = [hit for score, hit in zip(scores, hits, strict=True) if score >= threshold]
        points.append((sum(kept) / faces, sum(kept) / len(kept)))
    area, before = 0.0, 0.0
    for recall, _ in points:
        area += (recall - before) * max(p for r, p in points if r >= recall)
        before = recall
    return area


def ranking(scores, hits, faces, pictures=None):
    order = np.argsort(-np.asarray(scores, float), kind="stable")
    where = np.zeros(len(scores), int) if pictures is None else np.asarray(pictures)
    return Ranking(
        np.asarray(scores, float)[order], np.asarray(hits, bool)[order], where[order], np.asarray(faces)
    )


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("digits", [1, 8])
def test_the_area_is_that_of_the_slow_way(seed, digits):
    """One digit: many scores are alike."""
    generator = np.random.default_rng(seed)
    scores = generator.uniform(0, 1, 60).round(digits)
    hits = generator.uniform(0, 1, 60) < scores
    faces = int(hits.sum()) + 7
    expected = slow_area(scores.tolist(), hits.tolist(), faces)
    assert ranking(scores, hits, [faces]).curve().area == pytest.approx(expected)


def test_by_hand():
    """Hit, false alarm, hit of four faces: 1/4 at precision 1, 1/4 at 2/3."""
    curve = ranking([0.9, 0.8, 0.7], [1, 0, 1], [4]).curve()
    np.testing.assert_allclose(curve.recall, [1 / 4, 1 / 4, 2 / 4])
    np.testing.assert_allclose(curve.precision, [1, 1 / 2, 2 / 3])
    np.testing.assert_allclose(curve.rate, [0, 1, 1])
    assert curve.area == pytest.approx(1 / 4 + 2 / 3 / 4)


def test_without_scores_the_area_is_recall_times_precision():
    """All scores are 1: the order in which a finder lists its boxes must not count."""
    for hits in ([1, 1, 0, 0, 0], [0, 0, 0, 1, 1]):
        assert ranking([1] * 5, hits, [4]).curve().area == pytest.approx(2 / 4 * 2 / 5)


def test_recall_at_a_rate_of_false_alarms():
    """20 pictures: two false alarms are 0.1 a picture."""
    scores = np.linspace(0.9, 0.1, 9)
    hits = [1, 0, 1, 0, 1, 1, 0, 1, 1]
    curve = ranking(scores, hits, [1] * 20, range(9)).curve()
    assert RATE == 0.1
    assert curve.recall_at() == pytest.approx(4 / 20)  # all before the third false alarm
    assert curve.score_at() == pytest.approx(0.4)
    assert curve.recall_at(1) == pytest.approx(6 / 20)
    none = ranking([0.9, 0.9], [1, 0], [2]).curve()  # one picture, one false alarm at once
    assert (none.recall_at(), none.score_at()) == (0, None)


def test_nothing_found():
    curve = ranking([], [], [3, 1]).curve()
    assert (curve.area, curve.recall_at(), curve.score_at()) == (0, 0, None)
    assert ranking([], [], [3, 1]).intervals() == ((0, 0), (0, 0))


def test_weights_repeat_pictures():
    """A resample is the set of the pictures drawn, as if they had been looked at again."""
    generator = np.random.default_rng(3)
    scores, hits = generator.uniform(0, 1, 80), generator.uniform(0, 1, 80) < 0.6
    pictures, faces = generator.integers(0, 10, 80), np.full(10, 9)
    weights = np.bincount(generator.integers(0, 10, 10), minlength=10)
    repeated = np.repeat(np.arange(80), weights[pictures])
    drawn = ranking(
        scores[repeated], hits[repeated], np.repeat(faces, weights), np.zeros(len(repeated), int)
    )
    ours, theirs = ranking(scores, hits, faces, pictures).curve(weights), drawn.curve()
    assert ours.area == pytest.approx(theirs.area)
    assert ours.recall_at(2) == pytest.approx(theirs.recall_at(2))


def test_the_interval_holds_the_figure_and_shrinks_with_the_set():
    generator = np.random.default_rng(0)
    widths = []
    for n in (30, 480):
        pictures = np.repeat(np.arange(n), 4)
        scores = generator.uniform(0, 1, 4 * n)
        found = ranking(scores, generator.uniform(0, 1, 4 * n) < scores, np.full(n, 3), pictures)
        (low, high), (least, most) = found.intervals()
        assert low < found.curve().area < high
        assert least <= found.curve().recall_at() <= most
        assert found.intervals() == ((low, high), (least, most))
        widths.append(high - low)
    assert 2.5 < widths[0] / widths[1] < 6.5  # the square root of 16
