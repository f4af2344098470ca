"""Errors: worked out by hand, and by second libraries."""

import numpy as np
import pytest

from protoface.eval.summary import auc, bootstrap_interval, ced, failure_rate, summarise


@pytest.fixture
def errors() -> np.ndarray:
    return np.random.default_rng(0).gamma(2, 0.03, 500)


def test_the_interval_is_scipys(errors):
    stats = pytest.importorskip("scipy.stats", reason="needs scipy")
    theirs = stats.bootstrap((errors,), np.mean, n_resamples=9999, method="percentile", random_state=1)
    low, high = theirs.confidence_interval
    ours = bootstrap_interval(errors, resamples=9999)
    np.testing.assert_allclose(ours, (low, high), atol=0.05 * (high - low))
    assert bootstrap_interval(errors) == bootstrap_interval(errors)


def test_the_area_is_the_integral_of_the_curve(errors):
    thresholds = np.linspace(0, 0.1, 200_001)
    area = ced(errors, thresholds).mean()  # Riemann's sum
    assert auc(errors) == pytest.approx(area, abs=1e-5)
    assert failure_rate(errors) == pytest.approx(1 - ced(errors, np.array([0.1]))[0])


def test_by_hand():
    errors = np.array([0.0, 0.05, 0.10, 0.20])
    assert auc(errors) == pytest.approx((1 + 0.5 + 0 + 0) / 4)
    assert failure_rate(errors) == 0.25  # 0.10 itself is no failure
    np.testing.assert_array_equal(ced(errors, np.array([0, 0.05, 0.07, 1])), [0.25, 0.5, 0.5, 1])


def test_a_summary_by_hand():
    distances = np.array([(1.0, 3.0), (2.0, 2.0), (6.0, 2.0)])
    found = summarise(distances, np.array([20.0, 100.0, 20.0]))
    assert found.n == 3
    assert found.mean == pytest.approx((0.1 + 0.02 + 0.2) / 3)
    assert found.median == pytest.approx(0.1)
    assert found.failure_rate == pytest.approx(1 / 3)
    np.testing.assert_allclose(found.per_point, [(0.05 + 0.02 + 0.3) / 3, (0.15 + 0.02 + 0.1) / 3])
    assert found.ci95[0] < found.mean < found.ci95[1]


def test_eyes_that_coincide_are_counted_and_in_no_mean():
    found = summarise(np.array([(1.0, 1.0), (5.0, 5.0)]), np.array([10.0, 0.0]))
    assert (found.n, found.excluded) == (1, 1)
    assert found.mean == pytest.approx(0.1)
    assert np.isfinite(found.p99)
    assert summarise(np.ones((2, 2)), np.array([0.0, np.nan])) is None
