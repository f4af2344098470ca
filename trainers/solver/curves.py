"""The loss curves as a picture, drawn from the CSV files of a training."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protoface.converters import ProtofaceError
from protoface.converters.files import replacing

Curves = dict[str, NDArray[np.float64]]
WINDOW = 200  # points of the smoothed curve: as many as an eye can tell apart on the picture
DPI = 120


def read_curves(path: Path) -> Curves:
    """Columns of a CSV file by name. Raises ProtofaceError naming the file if it is not one of ours."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file))
        table = np.array(rows, np.float64).reshape(len(rows), len(header))
    except (OSError, ValueError) as error:
        raise ProtofaceError(f"{path}: not a log of a training ({error})") from error
    return {name: table[:, index] for index, name in enumerate(header)}


def smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over a sliding window of 1/200 of the curve, as long as the curve itself."""
    width = max(1, len(values) // WINDOW)
    sums = np.cumsum(np.concatenate([[0.0], values]))
    stops = np.arange(1, len(values) + 1)
    starts = np.maximum(stops - width, 0)
    means: NDArray[np.float64] = (sums[stops] - sums[starts]) / (stops - starts)
    return means


def draw_curves(log: Path, out: Path, weight: float = 1.0) -> None:
    """Draw training and test losses against the iteration into a PNG; the vertical axis is logarithmic.

    A test before the first update is left out. The log's losses are divided by `weight`, the
    loss_weight of the net, as the test losses, which are output blobs, do not have it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from .training_log import test_log

    figure = Figure(figsize=(9, 5))
    figure.subplots_adjust(0.09, 0.1, 0.99, 0.98)  # a layout engine would draw all of it twice
    FigureCanvasAgg(figure)  # without pyplot, which would look for a screen
    axes = figure.add_subplot(xlabel="iteration", ylabel="loss", yscale="log")
    train = read_curves(log)
    loss = train["loss"] / weight
    axes.plot(train["iteration"], loss, color="tab:blue", alpha=0.2, linewidth=0.5)
    axes.plot(train["iteration"], smoothed(loss), color="tab:blue", label="train")
    if test_log(log).exists():
        test = read_curves(test_log(log))
        # untrained, BatchNorm's statistics are 0 and the loss says nothing: it would flatten the rest
        trained = test["iteration"] > 0
        for index, name in enumerate(name for name in test if "loss" in name):
            points = test["iteration"][trained], test[name][trained]
            axes.plot(*points, "o-", color=f"C{index + 1}", markersize=3, label=f"test {name}")
    axes.grid(alpha=0.3)
    axes.legend()
    with replacing(out) as temporary:
        figure.savefig(temporary, dpi=DPI)
