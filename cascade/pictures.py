"""Pictures, videos and cameras, read with errors that name the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from protoface.converters.errors import ProtofaceError
from protoface.converters.files import read_bytes

from .windows.window import Image

PICTURES = frozenset(
    (".bmp", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
VIDEOS = frozenset((".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"))


def read_picture(path: Path | str) -> Image:
    """A picture file as H x W x 3 uint8 BGR, turned upright by its EXIF orientation.

    Grey becomes three equal channels, transparency is dropped, 16 bits become 8. Raises ProtofaceError
    naming the file if it is missing, empty, no picture, or a JPEG that breaks off.
    """
    data = read_bytes(path)
    if _breaks_off(data):
        raise ProtofaceError(f"{path}: the JPEG ends too early; the file is truncated")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:  # a header that promises too many pixels, for one
        raise ProtofaceError(f"{path}: OpenCV cannot decode it ({_first_line(error)})") from error
    if image is None:
        raise ProtofaceError(f"{path}: not a picture that OpenCV can decode")
    return image  # type: ignore[return-value]


def _breaks_off(data: bytes) -> bool:
    """Whether a JPEG lacks its end marker; OpenCV decodes such a file, with grey for what is missing.

    Inside the scan every 0xFF is followed by 0x00, so a start-of-scan marker after the last end is a
    real one. Looked for from behind, where the end is.
    """
    return data.startswith(b"\xff\xd8") and data.find(b"\xff\xda", data.rfind(b"\xff\xd9") + 1) >= 0


def _first_line(error: cv2.error) -> str:
    return (error.err or str(error)).strip().splitlines()[0]


def find_pictures(folder: Path) -> list[Path]:
    """All picture files of a folder and the folders in it, sorted. Raises ProtofaceError for none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    if not found:
        raise ProtofaceError(f"{folder}: no pictures there ({', '.join(sorted(PICTURES))})")
    return found


@dataclass(frozen=True)
class Picture:
    """A picture file that was found under `root`, the folder that was searched or its own."""

    path: Path
    root: Path

    @property
    def name(self) -> Path:
        """Its path below `root`: the name of a drawn copy, and its key in lists."""
        return self.path.relative_to(self.root)


def listed_pictures(path: Path) -> list[Picture]:
    """The picture at `path`, or all of a folder. Raises ProtofaceError if there is none."""
    if path.is_dir():
        return [Picture(picture, path) for picture in find_pictures(path)]
    if not path.exists():
        raise ProtofaceError(f"{path}: No such file or directory")
    return [Picture(path, path.parent)]


def is_video(path: str) -> bool:
    """Whether `path` is a camera's number or a video file, by its suffix."""
    return path.isdigit() or Path(path).suffix.lower() in VIDEOS


@contextmanager
def open_video(path: str) -> Iterator[tuple[float, Iterator[Image]]]:
    """Frames per second and the frames (H x W x 3 uint8 BGR) of a video file or a camera (its number).

    Raises ProtofaceError if it is missing or cannot be decoded.
    """
    if not path.isdigit() and not Path(path).is_file():
        raise ProtofaceError(f"{path}: No such file or directory")
    if not hasattr(cv2, "VideoCapture"):  # as the one with CUDA, see opencv_cuda/build.sh
        raise ProtofaceError(
            f"{path}: this build of OpenCV {cv2.__version__} has no videos; use one of PyPI's"
        )
    capture = cv2.VideoCapture(int(path) if path.isdigit() else path)
    try:
        if not capture.isOpened():
            what = f"camera {path} cannot be opened" if path.isdigit() else f"{path}: not a video"
            raise ProtofaceError(f"{what} for OpenCV {cv2.__version__}")
        yield capture.get(cv2.CAP_PROP_FPS) or 25.0, _frames(capture)
    finally:
        capture.release()


def _frames(capture: cv2.VideoCapture) -> Iterator[Image]:
    while True:
        there, frame = capture.read()
        if not there:
            return
        yield frame  # type: ignore[misc]
