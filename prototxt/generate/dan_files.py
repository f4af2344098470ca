"""The texts of a Deep Alignment Network: a net for each stage, one of all, and the cascade."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protoface.converters import ProtofaceError, caffe_pb2
from protoface.converters.prototxt import parse_message, read_text, to_text

from .dan import PIXELS, POINTS, STAGES, stage_name, stage_net, table_of, whole_net
from .level_files import FOLDER
from .size import Size

#: Number of points -> their layout.
LAYOUTS = {5: "celeba5", 68: "ibug68", 77: "ibug77", 98: "wflw98"}
#: Of a mean face that comes with the package: that of 300 drawn faces.
SHAPES = {68: FOLDER / "shapes" / "ibug68.prototxt"}
#: The larger side of the mean face, in parts of the net's input.
SHARE = 0.5
#: The folder of the net of all stages.
WHOLE = "whole"
Points = NDArray[np.float64]

_WINDOW = """\
      window {{
        similarity {{
          frame: {pixels}
          robust: false{start}
          {shape}
        }}
      }}
"""
_STAGE = """
stage {{
  name: "{name}"
  net: "{name}/deploy.prototxt"
  weights: "{name}/{name}.caffemodel"
  view {{
    blob: "data"
    pixels {{
{window}      preprocess {{ color_order: GRAY mean: 127.5 deviation: 64 size: {pixels} }}
    }}
  }}
{later}  answer {{ blob: "offsets" points {{ relative_to: POINTS frame: {pixels} }} }}
{feature}}}
"""
_LATER = """\
  view {{ blob: "heatmap" heatmap {{ size: {pixels}{half} }} }}
  view {{ blob: "feature" feature {{ name: "fc1" }} }}
"""


def files(size: Size, stages: int, shape: Path | None, head: str) -> dict[str, dict[str, str]]:
    """Folder of each net ("" for the cascade's) -> file name -> text, with a comment `head` above.

    `shape` is a file of a mean face, `shape: [x1, y1, ...]` in any unit; None: the package's.
    Raises ProtofaceError for points that have none, and for sizes that do not fit.
    """
    if size.points not in LAYOUTS:
        known = ", ".join(map(str, LAYOUTS))
        raise ProtofaceError(f"{size.points} points have no layout; there are {known}")
    start = framed(mean_face(size.points, shape), size.pixels)
    numbers = [float(np.float32(round(value, 3))) for value in start.ravel()]
    names = [stage_name(number) for number in range(1, stages + 1)]
    nets = {
        name: stage_net(size, number, last=number == stages) for number, name in enumerate(names, 1)
    }
    nets[WHOLE] = whole_net(size, numbers, stages)
    written = {name: {"deploy.prototxt": head + to_text(net)} for name, net in nets.items()}
    return {**written, "": {"cascade.prototxt": head + cascade_text(size, names, start)}}


def mean_face(points: int, file: Path | None) -> Points:
    """The points (n, 2) of a mean face. Raises ProtofaceError naming the file."""
    path = file or SHAPES.get(points)
    if path is None:
        raise ProtofaceError(f"the package has no mean face of {points} points; give one with --shape")
    text, source = read_text(path), os.fspath(path)
    numbers = parse_message(text, caffe_pb2.MeanShapeParameter(), source).shape
    face = np.array(numbers, np.float64)
    if len(face) != 2 * points or not np.isfinite(face).all() or len(set(numbers)) < 2:
        raise ProtofaceError(
            f"{source}: has {len(face)} numbers; {2 * points} are x1 y1 x2 y2 ..., not all alike"
        )
    return face.reshape(-1, 2)


def framed(face: Points, pixels: int) -> Points:
    """A mean face in pixels of the net's input: its larger side half of that, in its middle."""
    larger = (face.max(axis=0) - face.min(axis=0)).max()
    start: Points = (face - face.mean(axis=0)) * (SHARE * pixels / larger) + (pixels - 1) / 2
    return start


def cascade_text(size: Size, names: Sequence[str], start: Points) -> str:
    """The stages as a cascade; means and deviations are those of no picture in particular."""
    shape = "\n          ".join(f"shape {{ x: {x:.3f} y: {y:.3f} }}" for x, y in start)
    half = caffe_pb2.ShapeHeatmapParameter().half_size
    own = table_of(size).half_size
    later = _LATER.format(pixels=size.pixels, half="" if own == half else f" half_size: {own}")
    text = f'name: "{size.net}"\nlayout: "{LAYOUTS[size.points]}"\n'
    for number, name in enumerate(names):
        begins = "" if number else "\n          start: true"
        last = number == len(names) - 1
        text += _STAGE.format(
            name=name,
            pixels=size.pixels,
            window=_WINDOW.format(pixels=size.pixels, start=begins, shape=shape),
            later=later if number else "",
            feature="" if last else '  answer { blob: "fc1" feature { name: "fc1" } }\n',
        )
    return text


def head(size: Size, stages: int, shape: Path | None) -> str:
    """The comment above a file: the command that writes it."""
    default = Size(PIXELS, points=POINTS)
    varied = "".join(
        f" --{option} {getattr(size, field):g}"
        for option, field in (("size", "pixels"), ("width", "width"), ("points", "points"))
        if getattr(size, field) != getattr(default, field)
    )
    varied += f" --stages {stages}" if stages != STAGES else ""
    varied += f" --shape {shape}" if shape else ""
    return f"# Written by: python -m protoface.prototxt.generate --net {size.net}{varied}\n"
