"""Detection in videos and cameras, frame by frame; drawn frames out as a video."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import cv2

from protoface.converters.errors import OutputError, ProtofaceError
from protoface.converters.files import replacing
from protoface.converters.stopping import Stop

from ..cascade import Cascade
from ..drawing import draw_faces
from ..face import Face
from ..formats import is_camera
from ..pictures import Video
from ..plain_names import plain_name
from ..windows.window import Floats, Image
from .smoothing import OneEuro, Smoothing, smoothed


@dataclass(frozen=True)
class Filming:
    """What is done with a video besides detection.

    `copy` is the .mp4 with drawn frames, `frames` after how many it ends, `smoothing` filters the final
    points, and `boxes` gives those of a frame (n, 4), or None.
    """

    copy: Path | None = None
    frames: int | None = None
    smoothing: Smoothing | None = None
    boxes: Callable[[int], Floats | None] = lambda number: None


def detect_video(
    cascade: Cascade, path: str, video: Video, filming: Filming = Filming(), stop: Stop | None = None
) -> Generator[list[Face]]:
    """The faces of each frame of an open video; `path` is its file, or a camera's number.

    Ends early when `stop` becomes true; the drawn copy then holds the frames so far. Raises
    ProtofaceError naming the video if it holds no frame, OutputError for the copy.
    """
    smoother = None if filming.smoothing is None else OneEuro(filming.smoothing)
    seconds = iter(time.perf_counter, None) if is_camera(path) else (n / video.rate for n in count())
    done = 0
    with _recording(filming.copy, video.rate) as record:
        for image, now in zip(islice(video.frames, filming.frames), seconds, strict=False):
            faces = cascade.detect(image, filming.boxes(done))
            if smoother is not None and faces:  # the first one is followed
                faces = [smoothed(faces[0], smoother, now), *faces[1:]]
            record(image, faces)
            done += 1
            yield faces
            if stop:
                break
        if not done:
            raise ProtofaceError(f"{path}: holds no frame that OpenCV can decode")


@contextmanager
def _recording(target: Path | None, rate: float) -> Iterator[Callable[[Image, Sequence[Face]], None]]:
    """What adds a drawn frame to the video `target`; it does nothing without one."""
    if target is None:
        yield lambda image, faces: None
        return
    writer: cv2.VideoWriter | None = None
    frames = 0
    with replacing(target) as temporary, plain_name(temporary) as name:

        def record(image: Image, faces: Sequence[Face]) -> None:
            nonlocal writer, frames
            if writer is None:
                writer = _writer(target, name, rate, image)
            writer.write(draw_faces(image, faces))
            frames += 1

        try:
            yield record
        finally:
            if writer is not None:
                writer.release()
        _check(target, name, frames)


def _writer(target: Path, name: str, rate: float, first: Image) -> cv2.VideoWriter:
    """A writer of MPEG-4 for frames as large as the first one."""
    height, width = first.shape[:2]
    writer = cv2.VideoWriter(name, cv2.VideoWriter.fourcc(*"mp4v"), rate, (width, height))
    if not writer.isOpened():
        raise OutputError(f"{target}: this OpenCV cannot write .mp4 of {width} x {height} pixels")
    return writer


def _check(target: Path, written: str, frames: int) -> None:
    """Raise OutputError unless the file holds all frames: the writer says nothing of a full disk."""
    capture = cv2.VideoCapture(written)
    try:
        found = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
        capture.set(cv2.CAP_PROP_POS_FRAMES, frames - 1)
        if found != frames or not capture.read()[0]:
            raise OutputError(f"{target}: only {found} of {frames} frames were written")
    finally:
        capture.release()
