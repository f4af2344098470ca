"""Average precision, and recall at a rate of false alarms, of everything that was found in a set.

Sources: precision and recall over a falling score as in PASCAL VOC (Everingham et al., 2010), from 2010
on with the area below all points of the curve; FROC, recall over false alarms a picture, as in Bunch et
al. (1978).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
#: False alarms a picture at which recall is given.
RATE = 0.1
RESAMPLES = 2000
#: Numbers of the resamples that are computed together: more would take memory, fewer time.
AT_ONCE = 500_000


@dataclass(frozen=True, eq=False)
class Curve:
    """What is found with a score of at least `scores` (m), from the highest one down.

    `recall` and `precision` (..., m) are fractions, `rate` (..., m) false alarms a picture; several
    curves at once have axes before. Equal scores are one place of the curve, so the order of what was
    found makes no difference.
    """

    scores: Floats
    recall: Floats
    precision: Floats
    rate: Floats

    @property
    def areas(self) -> Floats:
        """Average precision (...): the sum of each gain in recall times a precision.

        That is the best precision that this recall or a higher one has.
        """
        best = np.maximum.accumulate(self.precision[..., ::-1], axis=-1)[..., ::-1]
        return np.asarray((np.diff(self.recall, prepend=0) * best).sum(axis=-1))

    @property
    def area(self) -> float:
        """Average precision of a single curve."""
        return float(self.areas)

    def recalls_at(self, rate: float) -> Floats:
        """The highest recall (...) with at most `rate` false alarms a picture."""
        return np.asarray(np.where(self.rate <= rate, self.recall, 0).max(axis=-1, initial=0))

    def recall_at(self, rate: float = RATE) -> float:
        """That of a single curve."""
        return float(self.recalls_at(rate))

    def score_at(self, rate: float = RATE) -> float | None:
        """The lowest score with at most `rate` false alarms a picture; None if there is none."""
        within = self.scores[self.rate <= rate]
        return float(within.min()) if len(within) else None


@dataclass(frozen=True, eq=False)
class Ranking:
    """What was found and counts: `scores` (m) falling, `hits` (m), the index of its `pictures` (m).

    `faces` (n) says how many faces of each picture count.
    """

    scores: Floats
    hits: NDArray[np.bool_]
    pictures: NDArray[np.int64]
    faces: NDArray[np.int64]

    def curve(self, weights: NDArray[np.int64] | None = None) -> Curve:
        """The curve, with picture k counted `weights[..., k]` times; without weights each once."""
        each = np.ones(len(self.faces), np.int64) if weights is None else weights
        ends = np.flatnonzero(np.diff(self.scores, append=-np.inf))
        counts = each[..., self.pictures]
        hits = np.cumsum(counts * self.hits, axis=-1)[..., ends]
        found = np.cumsum(counts, axis=-1)[..., ends]
        faces, pictures = (each @ self.faces)[..., None], each.sum(axis=-1)[..., None]
        return Curve(
            self.scores[ends],
            hits / np.maximum(faces, 1),
            hits / np.maximum(found, 1),
            (found - hits) / np.maximum(pictures, 1),
        )

    def intervals(self, seed: int = 0) -> tuple[tuple[float, float], tuple[float, float]]:
        """95 % percentile intervals of average precision and of recall at RATE; pictures are resampled.

        Resamples without a face that counts are left out.
        """
        curves = list(self._resampled(seed))
        areas = np.concatenate([curve.areas for curve in curves])
        recalls = np.concatenate([curve.recalls_at(RATE) for curve in curves])
        low, high = np.percentile((areas, recalls), (2.5, 97.5), axis=1).tolist()
        return (low[0], high[0]), (low[1], high[1])

    def _resampled(self, seed: int) -> Iterator[Curve]:
        """Curves of RESAMPLES sets, many at a time."""
        generator, n = np.random.default_rng(seed), len(self.faces)
        at_once = max(1, AT_ONCE // max(n, len(self.scores)))
        for start in range(0, RESAMPLES, at_once):
            rows = min(at_once, RESAMPLES - start)
            drawn = generator.integers(0, n, (rows, n)) + n * np.arange(rows)[:, None]
            weights = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n)
            yield self.curve(weights[weights @ self.faces > 0])
