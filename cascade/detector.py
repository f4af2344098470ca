"""The cascade at work: pictures in, points out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import overload

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from protoface.converters.errors import ProtofaceError

from . import cascade_pb2
from .backends.choice import AUTO, Batch, Forward, choose_backend
from .definition import (
    DEFAULT,
    Loaded,
    PathLike,
    find_definition,
    load_nets,
    mirrored_order,
    read_definition,
)
from .nets import check_net, running
from .windows import clean, faithful
from .windows.window import Floats, Image, Points, Window, picture_window

Box = NDArray[np.float64]
MODES: dict[str, ModuleType] = {"clean": clean, "faithful": faithful}
_Preprocess = cascade_pb2.PreprocessParameter
_INTERPOLATION = {
    _Preprocess.LINEAR: cv2.INTER_LINEAR,
    _Preprocess.NEAREST: cv2.INTER_NEAREST,
    _Preprocess.CUBIC: cv2.INTER_CUBIC,
    _Preprocess.AREA: cv2.INTER_AREA,
}


@dataclass(frozen=True, eq=False)
class Detection:
    """The points of one face.

    `points` (n, 2) float32 are the final ones, in pixels (x, y) of the picture, in the order of the
    cascade's points; `levels` holds those of every stage, the final ones last, and `windows` what each
    stage looked at. A stage whose window holds less than a pixel leaves the points as they were.
    """

    points: Points
    levels: tuple[Points, ...]
    windows: tuple[Window, ...]


class Stage:
    """A net plus the window it looks through."""

    def __init__(
        self,
        parameter: cascade_pb2.StageParameter,
        points: Sequence[str],
        forward: Forward,
        mode: ModuleType,
    ) -> None:
        self.name = parameter.name
        self.forward = forward
        self.mode = mode
        self.kind = parameter.window.WhichOneof("kind")
        self.box_scale = parameter.window.box.scale
        square = parameter.window.square
        self.k = square.k
        if self.kind == "square":
            self.corners = [points.index(name) for name in (square.around, square.a, square.b)]
        similarity = parameter.window.similarity
        self.shape = [complex(point.x, point.y) for point in similarity.shape]
        self.upright = similarity.upright
        self.patch = similarity.patch
        self.patches = len(points) if self.patch else 1
        preprocess = parameter.preprocess
        self.size = (preprocess.size[0], preprocess.size[-1])
        self.interpolation = _INTERPOLATION[preprocess.interpolation]
        mean = list(preprocess.mean) or [0.0]
        self.mean = mean * 3 if len(mean) == 1 else mean
        self.scale = preprocess.scale
        self.swap = preprocess.color_order == _Preprocess.RGB

    def first_window(self, image: Image, box: Box | None) -> Window:
        """The window of a stage that looks at the picture or at a given box."""
        if box is None:
            if self.kind == "box":
                raise ProtofaceError(f"stage '{self.name}' looks through a box: give boxes")
            return picture_window(image)
        x, y, width, height = box.tolist()
        grow = self.box_scale - 1
        window: Window = self.mode.box(
            image, x - width * grow / 2, y - height * grow / 2, width * (1 + grow), height * (1 + grow)
        )
        if window.empty:
            rows, columns = image.shape[:2]
            raise ProtofaceError(
                f"box {[x, y, width, height]} covers no pixel of the {columns} x {rows} picture"
            )
        return window

    def next_window(self, image: Image, box: Box | None, points: Points) -> Window:
        """The window of this stage, given the points of the stage before."""
        window: Window
        if self.kind == "square":
            window = self.mode.square(image, points, *self.corners, self.k)
        elif self.kind == "similarity":
            window = clean.similarity(image, points, self.shape, self.upright, self.patch)
        else:
            window = self.first_window(image, box)
        return window

    def look(self, images: Sequence[Image], windows: Sequence[Window]) -> Batch:
        """The net's input (n, 3, height, width) float32; nothing but black where a window is empty.

        With patches it has 3 channels for each of them.
        """
        height, width = self.size
        parts = [
            np.zeros((height, width, 3), np.uint8)
            if window.empty
            else self.mode.resample(image, part, height, width, self.interpolation)
            for image, window in zip(images, windows, strict=True)
            for part in window.patches or (window,) * self.patches
        ]
        # (value - mean) * scale, in the net's colour order, as planes
        batch = cv2.dnn.blobFromImages(parts, self.scale, mean=self.mean, swapRB=self.swap)
        if self.patches > 1:
            batch = batch.reshape(len(images), -1, height, width)
        return batch  # type: ignore[return-value]

    def place(
        self, outputs: Floats, windows: Sequence[Window], before: Sequence[Points | None]
    ) -> list[Points]:
        """Points in the picture of each output; those of the stage before where a window is empty."""
        return [
            self.mode.place(output, window) if not window.empty or old is None else old
            for output, window, old in zip(outputs, windows, before, strict=True)
        ]


class Cascade:
    """A list of stages that find the same points more and more exactly. Made by `load`.

    `name`, `points` (their names in order), `backend` and `mode` say what runs. Not for use from
    several threads at once: runtimes keep state between calls.
    """

    def __init__(
        self,
        definition: cascade_pb2.CascadeParameter,
        nets: Sequence[Loaded],
        backend: str = AUTO,
        mode: str = "clean",
        threads: int | None = None,
    ) -> None:
        if mode not in MODES:
            raise ProtofaceError(f"mode '{mode}' is unknown; there are {', '.join(MODES)}")
        self.name = definition.name
        self.points = [point.name for point in definition.point]
        self.backend = choose_backend(backend)
        self.mode = mode
        for stage, net in zip(definition.stage, nets, strict=True):
            check_net(stage, net, len(self.points))
            check_mode(stage, mode)
        order = mirrored_order(definition)
        self.stages = [
            Stage(stage, self.points, running(stage, net, order, self.backend, threads), MODES[mode])
            for stage, net in zip(definition.stage, nets, strict=True)
        ]

    @overload
    def detect(self, image: Image) -> Detection: ...
    @overload
    def detect(self, image: Image, boxes: ArrayLike) -> list[Detection]: ...
    def detect(self, image: Image, boxes: ArrayLike | None = None) -> Detection | list[Detection]:
        """Find the points in one picture.

        `image` is H x W x 3 uint8 BGR, as cv2.imread gives it. Without `boxes` the first stage looks
        at the whole picture, and the result is one Detection. With `boxes` (n, 4) of x, y, width,
        height in pixels it looks through each of them, and the result is a list, one for each box.
        Raises ProtofaceError for a picture of another shape or type, and for a box that covers no
        pixel of it.
        """
        check_image(image)
        if boxes is None:
            return self._run([image], [None])[0]
        rectangles = _boxes(boxes)
        return self._run([image] * len(rectangles), list(rectangles))

    def detect_batch(self, images: Sequence[Image]) -> list[Detection]:
        """`detect` for many pictures (of any sizes) at once: each net runs once for all of them."""
        for image in images:
            check_image(image)
        return self._run(images, [None] * len(images))

    def _run(self, images: Sequence[Image], boxes: Sequence[Box | None]) -> list[Detection]:
        if not images:
            return []
        windows = [
            self.stages[0].first_window(image, box) for image, box in zip(images, boxes, strict=True)
        ]
        found: Sequence[Points | None] = [None] * len(images)
        levels: list[list[Points]] = []
        looked: list[Sequence[Window]] = []
        for number, stage in enumerate(self.stages):
            if number:
                windows = [
                    stage.next_window(image, box, points)
                    for image, box, points in zip(images, boxes, levels[-1], strict=True)
                ]
            points = stage.place(stage.forward(stage.look(images, windows)), windows, found)
            found = points
            levels.append(points)
            looked.append(windows)
        return [
            Detection(points[-1], points, seen)
            for points, seen in zip(zip(*levels, strict=True), zip(*looked, strict=True), strict=True)
        ]


def load(
    name_or_path: PathLike = DEFAULT,
    backend: str = AUTO,
    mode: str = "clean",
    weights: Sequence[PathLike] = (),
    threads: int | None = None,
) -> Cascade:
    """Load a cascade, ready to detect.

    `name_or_path` is a name that comes with the package, a `cascade.prototxt`, or a folder with one.
    `backend` is a key of BACKENDS, or `auto` for the fastest that is there (`Cascade.backend` says
    which). `mode` is `clean`, or `faithful` to repeat the original's rounding. `weights`, one file for
    each stage, replace those that the cascade names. `threads` limits the runtime's threads (process
    wide in OpenCV and PyTorch). A cascade whose weights may not be used for everything says so in the
    log. Raises ProtofaceError naming the file, stage or backend.
    """
    path = find_definition(name_or_path)
    definition = read_definition(path)
    nets = load_nets(definition, path.parent, weights)
    return Cascade(definition, nets, backend, mode, threads)


def check_mode(stage: cascade_pb2.StageParameter, mode: str) -> None:
    """Raise ProtofaceError if a stage needs what the original, and so faithful mode, has not."""
    if mode != "faithful":
        return
    if stage.window.WhichOneof("kind") == "similarity":
        raise ProtofaceError(
            f"stage '{stage.name}' looks through a similarity window, which faithful mode does not "
            "have; use clean mode"
        )
    if stage.preprocess.interpolation == _Preprocess.AREA:
        raise ProtofaceError(
            f"stage '{stage.name}' shrinks by AREA, which faithful mode does not have; use clean mode"
        )


def check_image(image: Image) -> None:
    """Raise ProtofaceError, with the remedy, unless `image` is H x W x 3 uint8 and not empty."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise ProtofaceError(f"a picture must be H x W x 3 uint8 BGR, not {kind}; convert it first")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ProtofaceError(
            f"a picture must be H x W x 3 uint8 BGR, not of shape {image.shape}; use cv2.cvtColor "
            "(COLOR_GRAY2BGR, COLOR_BGRA2BGR)"
        )
    if not image.size:
        raise ProtofaceError(f"the picture of shape {image.shape} has no pixels")


def _boxes(boxes: ArrayLike) -> Box:
    array = np.asarray(boxes, np.float64)
    if array.size == 0:
        return array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4 or not np.isfinite(array).all():
        raise ProtofaceError(f"boxes must be finite (n, 4) of x, y, width, height, not {array.shape}")
    return array
