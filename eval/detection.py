"""Measures finders of faces on pictures whose faces have boxes: hits, misses and false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protoface.cascade.face import Face
from protoface.converters.errors import ProtofaceError

from .average_precision import RATE, Curve, Ranking
from .datasets.box_set import BoxSet
from .finders import Finder, Progress, Run
from .matching import FALSE_ALARM, HIT, IOU, NEITHER, Match, match, overlaps
from .summary import bootstrap_interval

Floats = NDArray[np.float64]
#: Faces whose box is at least so many pixels high are measured, smaller ones ignored. Height is what
#: WIDER FACE sorts its faces by.
LEAST = (12, 30, 60)
#: Scores at which a finder is looked at as if it kept no others.
SCORES = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class Figures:
    """How well faces of at least `least` pixels are found; None where there are no such faces.

    `faces` count, `hits` of them are found, with `false_alarms`. `ap` is the average precision at an
    overlap of IOU, `recall_at_rate` the recall at RATE false alarms a picture, reached at a score of
    `score_at_rate` (None: not with any score). `recall` and `precision` are of everything found. There
    are 95 % intervals of `ap` and `recall_at_rate`.
    """

    least: int
    faces: int
    hits: int
    false_alarms: int
    ap: float | None
    ap_ci95: tuple[float, float] | None
    recall_at_rate: float | None
    recall_at_rate_ci95: tuple[float, float] | None
    score_at_rate: float | None
    recall: float | None
    precision: float | None


@dataclass(frozen=True)
class Operating:
    """Everything found with a score of at least `score`, as a user of that threshold meets it.

    `recall` is by least size of the faces, `clean` the share of pictures without a false alarm; of
    that there is a 95 % interval.
    """

    score: float
    recall: dict[int, float | None]
    false_alarms_per_picture: float
    clean: float
    clean_ci95: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Detected:
    """What a finder found in the pictures of a set that could be read, in their order.

    `kept` (n) are their indices in the set. `boxes` has for each an array (found, 4) of x, y, width,
    height, `scores` one (found), falling; a finder without scores has 1 everywhere. `skipped` says, a
    line each, what was left out. `seconds` is the time of finding alone, without decoding.
    """

    dataset: BoxSet
    kept: NDArray[np.int64]
    boxes: tuple[Floats, ...]
    scores: tuple[Floats, ...]
    skipped: tuple[str, ...]
    seconds: float

    @property
    def milliseconds(self) -> float:
        """Time of finding for each picture."""
        return 1000 * self.seconds / len(self.kept)

    @property
    def faces(self) -> int:
        """How many faces the pictures show, the ignored ones included."""
        return sum(len(self.dataset.boxes[index]) for index in self.kept.tolist())

    @cached_property
    def _overlaps(self) -> list[Floats]:
        """Of each picture, how far each found box and each face overlap (found, faces)."""
        pairs = zip(self.boxes, self.kept.tolist(), strict=True)
        return [overlaps(found, self.dataset.boxes[index]) for found, index in pairs]

    def counted(self, least: int) -> list[NDArray[np.bool_]]:
        """Of each picture, which faces (faces) are measured: not ignored, and not too small."""
        data = self.dataset
        return [
            ~data.ignored[index] & (data.boxes[index][:, 3] >= least) for index in self.kept.tolist()
        ]

    @cached_property
    def _matches(self) -> dict[int, list[Match]]:
        return {}

    def matches(self, least: int = LEAST[0]) -> list[Match]:
        """What became of everything found in each picture, for faces of at least `least` pixels."""
        if least not in self._matches:
            pairs = zip(self._overlaps, self.counted(least), strict=True)
            self._matches[least] = [match(overlap, counted) for overlap, counted in pairs]
        return self._matches[least]

    def ranking(self, least: int) -> Ranking:
        """Everything found that counts, best score first."""
        outcomes = np.concatenate([found.outcomes for found in self.matches(least)])
        pictures = np.repeat(np.arange(len(self.kept)), [len(each) for each in self.scores])
        scores = np.concatenate(self.scores)
        order = np.argsort(-scores, kind="stable")
        order = order[outcomes[order] != NEITHER]
        faces = np.array([int(each.sum()) for each in self.counted(least)])
        return Ranking(scores[order], outcomes[order] == HIT, pictures[order], faces)

    def curve(self, least: int) -> Curve:
        """Recall, precision and false alarms over the score."""
        return self.ranking(least).curve()

    @cached_property
    def sizes(self) -> dict[int, Figures]:
        """The figures of faces of each size of LEAST and more."""
        return {least: self._figures(least) for least in LEAST}

    def _figures(self, least: int) -> Figures:
        ranking = self.ranking(least)
        faces, hits = int(ranking.faces.sum()), int(ranking.hits.sum())
        alarms = len(ranking.hits) - hits
        if not faces:
            return Figures(least, 0, 0, alarms, *(None,) * 7)
        curve, (ap_ci95, recall_ci95) = ranking.curve(), ranking.intervals()
        return Figures(
            least,
            faces,
            hits,
            alarms,
            ap=curve.area,
            ap_ci95=ap_ci95,
            recall_at_rate=curve.recall_at(),
            recall_at_rate_ci95=recall_ci95,
            score_at_rate=curve.score_at(),
            recall=hits / faces,
            precision=hits / (hits + alarms) if hits + alarms else None,
        )

    def operating(self, score: float = 0) -> Operating:
        """What a user of the threshold `score` meets; 0: everything that was found."""
        alarms = self.false_alarms(score)
        clean = (alarms == 0).astype(np.float64)
        return Operating(
            score,
            {least: self._recall(least, score) for least in LEAST},
            float(alarms.mean()),
            float(clean.mean()),
            bootstrap_interval(clean),
        )

    def false_alarms(self, score: float = 0) -> NDArray[np.int64]:
        """How many there are in each picture (n) with at least this score.

        What is at an annotated face of any size, an ignored one too, is none; a second box at it is.
        """
        return np.array(
            [
                int(((found.outcomes == FALSE_ALARM) & (scores >= score)).sum())
                for found, scores in zip(self.matches(), self.scores, strict=True)
            ]
        )

    def _recall(self, least: int, score: float) -> float | None:
        ranking = self.ranking(least)
        faces = int(ranking.faces.sum())
        return int((ranking.hits & (ranking.scores >= score)).sum()) / faces if faces else None


def evaluate_boxes(finder: Finder, dataset: BoxSet, progress: Progress = iter) -> Detected:
    """Run a finder over a set of pictures with boxes.

    Pictures that cannot be read are listed in `Detected.skipped`. Raises ProtofaceError if not one
    could be read.
    """
    run = Run(finder, dataset, progress)
    kept: list[int] = []
    found: list[tuple[Floats, Floats]] = []
    for index, _, faces in run:
        kept.append(index)
        found.append(ranked(faces))
    if not kept:
        raise ProtofaceError(f"{dataset.name}: no picture could be measured ({run.skipped[:1]})")
    boxes, scores = zip(*found, strict=True)
    return Detected(dataset, np.array(kept), boxes, scores, tuple(run.skipped), run.seconds)


def ranked(faces: Sequence[Face]) -> tuple[Floats, Floats]:
    """Boxes (n, 4) and scores (n) of faces, best score first; without a score it is 1.

    A box that is not finite, as that of a face whose points are not, overlaps nothing.
    """
    boxes = np.array([face.box for face in faces], np.float64).reshape(-1, 4)
    boxes[~np.isfinite(boxes).all(axis=1)] = 0
    scores = np.array([face.score for face in faces], np.float64)
    scores[np.isnan(scores)] = 1
    order = np.argsort(-scores, kind="stable")
    return boxes[order], scores[order]


def detection_json(found: Detected) -> dict[str, Any]:
    """The figures by their documented keys."""
    scores = [score for score in SCORES if any((each >= score).any() for each in found.scores)]
    return {
        "n": len(found.kept),
        "skipped": len(found.skipped),
        "faces": found.faces,
        "ignored": sum(int(found.dataset.ignored[index].sum()) for index in found.kept.tolist()),
        "found": sum(map(len, found.scores)),
        "iou": IOU,
        "rate": RATE,
        "sizes": {str(least): asdict(figures) for least, figures in found.sizes.items()},
        "all": asdict(found.operating()),
        "at_scores": [asdict(found.operating(score)) for score in scores],
        "ms_per_picture": found.milliseconds,
    }
