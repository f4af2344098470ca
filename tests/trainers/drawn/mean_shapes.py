"""How far the mean shape of drawn faces is from that of a set of photographs with the same points.

`python tests/trainers/drawn/mean_shapes.py ../shared/faces/w300 [FACES]` draws as many faces (1,000)
with the points of the set's layout and compares them with the set's training part. Both means are
Procrustes means; one is laid over the other by a similarity. It prints for each group of points the
mean and the largest distance, and the points that are off by more than 8 %, in % of the distance
`inter_ocular`.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from protoface.eval.datasets.dataset import list_dataset
from protoface.trainers.drawn.faces import draw_face

FAR = 8  # %


def mean_shape(points: NDArray[np.float64]) -> NDArray[np.complex128]:
    """The Procrustes mean (n,) of shapes (faces, n, 2), as complex numbers."""
    shapes = points[..., 0] + 1j * points[..., 1]
    shapes -= shapes.mean(1, keepdims=True)
    shapes /= np.linalg.norm(shapes, axis=1, keepdims=True)
    mean = shapes[0]
    for _ in range(10):
        turns = (shapes.conj() * mean).sum(1, keepdims=True)
        mean = (shapes * turns / np.abs(turns)).mean(0)
        mean /= np.linalg.norm(mean)
    return mean


def main(folder: str, count: int = 1000) -> None:
    found = list_dataset(folder).partition("train")
    real = mean_shape(found.truth)
    drawn = [draw_face(3, index, 128, 0.4, found.layout.name).points for index in range(count)]
    ours = mean_shape(np.array(drawn, np.float64))
    away = np.abs(ours * (ours.conj() * real).sum() - real)
    eyes = found.layout.distance("inter_ocular", np.column_stack((real.real, real.imag)))
    away *= 100 / eyes
    print(
        f"{found.layout.name}: {len(found)} photographs, {count} drawn faces; mean {away.mean():.1f} %"
    )
    for group, places in found.layout.groups.items():
        part = away[list(places)]
        print(f"{group}: mean {part.mean():.1f}, largest {part.max():.1f}")
    far = [f"{found.layout.points[i]} {away[i]:.1f}" for i in np.flatnonzero(away > FAR)]
    print("far:", ", ".join(far) or "none")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
