"""Errors over a set of pictures. Every error is divided by a length that has a name: its normaliser.

Errors are fractions (0.05, not 5). Sources: CED, AUC and failure rate as in the 300-W challenge
(Sagonas et al., 2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]

#: Name of a normaliser -> what it divides by. All lengths are pixels of the picture.
NORMALISERS = {
    "image_diagonal": "diagonal of the whole picture (the original experiment's)",
    "crop_diagonal": "diagonal of the level's own window",
    "inter_ocular": "distance of the outer corners of the eyes; with five points, of the eyes",
    "inter_pupil": "distance between the centres of the eyes",
    "box": "square root of width x height of the given face box",
}
THRESHOLD = 0.10
#: Values that the bootstrap draws at a time.
DRAWN = 1 << 16


def ced(errors: Floats, thresholds: Floats) -> Floats:
    """Cumulative error distribution: the part of `errors` (n) that is at most each threshold."""
    return np.asarray(np.searchsorted(np.sort(errors), thresholds, side="right") / len(errors))


def auc(errors: Floats, threshold: float = THRESHOLD) -> float:
    """Area under the CED from 0 to `threshold`, divided by it: exact, since the CED is a staircase."""
    return float(np.clip(1 - errors / threshold, 0, None).mean())


def failure_rate(errors: Floats, threshold: float = THRESHOLD) -> float:
    """The part of `errors` above `threshold`."""
    return float((errors > threshold).mean())


def bootstrap_interval(errors: Floats, seed: int = 0, resamples: int = 2000) -> tuple[float, float]:
    """95 % percentile interval of the mean, by resampling with replacement (Efron, 1979)."""
    generator, n = np.random.default_rng(seed), len(errors)
    # some resamples at a time: one takes long for what it is, all would take gigabytes on CelebA
    most, means = max(1, DRAWN // n), []
    for done in range(0, resamples, most):
        drawn = generator.integers(0, n, (min(most, resamples - done), n))
        means += errors[drawn].mean(axis=1).tolist()
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


@dataclass(frozen=True)
class Summary:
    """One error measure over a set: fractions of its normaliser.

    `n` pictures were measured; `excluded` ones have a normaliser of 0 (eyes coincide) and are in no
    figure here. In `not_found` of the n pictures no face was found: they count as failures in
    `failure_rate` and `auc`, which are at 0.10; the other figures are those of the faces found, NaN
    without any. `per_point` is in the order of the points.
    """

    n: int
    excluded: int
    not_found: int
    mean: float
    median: float
    p90: float
    p95: float
    p99: float
    ci95: tuple[float, float]
    failure_rate: float
    auc: float
    per_point: tuple[float, ...]


def summarise(distances: Floats, lengths: Floats) -> Summary | None:
    """Summary of point errors (n, points) over lengths (n), pixels; None if no length is positive.

    Errors are infinite where no face was found.
    """
    usable = np.isfinite(lengths) & (lengths > 0)
    if not usable.any():
        return None
    relative = distances[usable] / lengths[usable, None]
    errors = relative.mean(axis=1)
    there = np.isfinite(errors)
    errors[~there] = np.inf  # a net can answer what is no number: a failure, too
    found = errors[there] if there.any() else np.array([np.nan])
    p90, p95, p99 = np.percentile(found, (90, 95, 99))
    return Summary(
        n=int(usable.sum()),
        excluded=int((~usable).sum()),
        not_found=int((~there).sum()),
        mean=float(found.mean()),
        median=float(np.median(found)),
        p90=float(p90),
        p95=float(p95),
        p99=float(p99),
        ci95=bootstrap_interval(found),
        failure_rate=failure_rate(errors),
        auc=auc(errors),
        per_point=tuple(relative[there].sum(axis=0) / (there.sum() or np.nan)),
    )
