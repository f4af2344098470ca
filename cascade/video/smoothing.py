"""Smoothing of points in videos: little jitter at rest, little lag in motion.

Source: Casiez, Roussel, Vogel, "1 Euro filter: a simple speed-based low-pass filter for noisy input in
interactive systems", CHI 2012, algorithm 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..face import Face, bounds
from ..windows.window import Floats, Points

#: Cut-off of the speed's own low-pass filter in Hz: the paper's.
SPEED_CUTOFF = 1.0
#: Points that moved further than this part of the face between two frames belong to another one.
JUMP = 0.5
#: Frames are taken to be at least this far apart, in seconds.
SHORTEST = 1e-3


@dataclass(frozen=True)
class Smoothing:
    """How much a video is smoothed.

    `min_cutoff` in Hz is for a face at rest: lower trembles less. `beta` is in Hz for each face size
    per second: higher lags less. A face's size is the diagonal of the box around its points, so both
    suit any resolution.
    """

    min_cutoff: float = 1.0
    beta: float = 10.0


class OneEuro:
    """The filter of one face's points, frame by frame; each coordinate is filtered separately."""

    def __init__(self, setting: Smoothing) -> None:
        self.setting = setting
        self.reset()

    def reset(self) -> None:
        """Forget the face: the next points are taken as they are."""
        self._seconds = math.nan
        self._points: Floats | None = None
        self._speed: Floats = np.zeros(())

    def __call__(self, points: Points, seconds: float) -> Points:
        """Points (n, 2) of the frame at this time, smoothed; as they are where a face begins."""
        new = points.astype(np.float64)
        size = float(np.hypot(*np.ptp(new, axis=0)))
        if not size >= 1:  # NaN too
            self.reset()
            return points
        old = self._points
        if old is None or np.abs(new - old).mean() > JUMP * size:
            self._seconds, self._points, self._speed = seconds, new, np.zeros_like(new)
            return points
        passed = max(seconds - self._seconds, SHORTEST)
        self._speed = _low_pass((new - old) / passed, self._speed, SPEED_CUTOFF, passed)
        cutoff = self.setting.min_cutoff + self.setting.beta * np.abs(self._speed) / size
        self._seconds, self._points = seconds, _low_pass(new, old, cutoff, passed)
        return self._points.astype(np.float32)


def _low_pass(new: Floats, old: Floats, cutoff: Floats | float, passed: float) -> Floats:
    """Exponential smoothing with a cut-off in Hz, `passed` seconds after the value before."""
    weight = 1 / (1 + 1 / (2 * math.pi * cutoff * passed))
    mixed: Floats = weight * new + (1 - weight) * old
    return mixed


def smoothed(face: Face, smoother: OneEuro, seconds: float) -> Face:
    """A face with its final points smoothed, and its box if that is their bounds.

    The filter is reset where there was nothing to look at.
    """
    if face.windows[-1].empty:
        smoother.reset()
        return face
    points = smoother(face.points, seconds)
    around = np.array_equal(face.box, bounds(face.points))
    box = bounds(points) if around else face.box
    return replace(face, box=box, points=points, stages=(*face.stages[:-1], points))
