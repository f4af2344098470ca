"""Detection in videos and cameras, frame by frame; drawn frames out as a video."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path

import cv2

from protoface.converters.errors import ProtofaceError
from protoface.converters.files import replacing

from ..cascade import Cascade
from ..drawing import draw_faces
from ..face import Face
from ..pictures import open_video
from ..windows.window import Image
from .smoothing import OneEuro, Smoothing, smoothed


def video_name(path: str) -> Path:
    """Name of the drawn copy of a video, or of a camera (its number)."""
    return Path(f"camera_{path}.mp4" if path.isdigit() else f"{Path(path).stem}.mp4")


def detect_video(
    cascade: Cascade,
    path: str,
    take: Callable[[int, Sequence[Face]], object],
    out: Path | None = None,
    frames: int | None = None,
    smoothing: Smoothing | None = None,
) -> None:
    """Detect in every frame of a video or a camera (its number), `frames` of them at most.

    `take` gets each frame's number and faces. With `out` the drawn frames are written there as an .mp4.
    Ctrl-C ends the stream, which is how a camera is stopped; what is done is kept. Raises
    ProtofaceError naming the video if it cannot be read, or holds no frame.
    """
    smoother = None if smoothing is None else OneEuro(smoothing)
    done = 0
    with open_video(path) as (rate, images), _writer(out, path, rate) as write:
        try:
            for done, (image, seconds) in enumerate(_timed(path, rate, islice(images, frames)), 1):
                faces = _found(cascade, image, smoother, seconds)
                take(done - 1, faces)
                write(image, faces)
        except KeyboardInterrupt:
            pass
        if not done:
            raise ProtofaceError(f"{path}: holds no frame that OpenCV can decode")


def _timed(path: str, rate: float, images: Iterator[Image]) -> Iterator[tuple[Image, float]]:
    """Each frame with its seconds; a camera's frames come when they come."""
    clock = iter(time.perf_counter, None) if path.isdigit() else (number / rate for number in count())
    return zip(images, clock, strict=False)


def _found(cascade: Cascade, image: Image, smoother: OneEuro | None, seconds: float) -> Sequence[Face]:
    """The faces of a frame; the first one's points are smoothed, as it is the one that is followed."""
    faces = cascade.detect(image)
    if smoother is None or not faces:
        return faces
    return [smoothed(faces[0], smoother, seconds), *faces[1:]]


@contextmanager
def _writer(
    out: Path | None, path: str, rate: float
) -> Iterator[Callable[[Image, Sequence[Face]], None]]:
    """What adds a drawn frame to the video in the folder `out`; it does nothing without a folder."""
    if out is None:
        yield lambda image, faces: None
        return
    target = out / video_name(path)
    writer: cv2.VideoWriter | None = None
    with replacing(target) as temporary:

        def write(image: Image, faces: Sequence[Face]) -> None:
            nonlocal writer
            if writer is None:
                writer = _opened(target, temporary, rate, image)
            writer.write(draw_faces(image, faces))

        try:
            yield write
        finally:
            if writer is not None:
                writer.release()


def _opened(target: Path, temporary: Path, rate: float, first: Image) -> cv2.VideoWriter:
    """A writer of MPEG-4 for frames as large as the first one."""
    height, width = first.shape[:2]
    writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*"mp4v"), rate, (width, height))
    if not writer.isOpened():
        raise ProtofaceError(f"{target}: this OpenCV cannot write .mp4")
    return writer
