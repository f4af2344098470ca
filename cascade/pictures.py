"""Pictures, videos and cameras, read with errors that name the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from protoface.converters.errors import ProtofaceError
from protoface.converters.files import PathLike, read_bytes, replacing

from .formats import PICTURES, VIDEOS, is_video
from .search import Found, Picture, find_pictures, listed_pictures, search
from .windows.window import Image

__all__ = [
    "MAX_PIXELS",
    "PICTURES",
    "VIDEOS",
    "Found",
    "Picture",
    "check_suffix",
    "encode_picture",
    "find_pictures",
    "is_video",
    "listed_pictures",
    "open_video",
    "read_picture",
    "search",
    "write_picture",
]

#: Pixels of the largest picture that is decoded unless the caller sets another limit.
MAX_PIXELS = 100_000_000
_QUALITY = {
    ".jpg": cv2.IMWRITE_JPEG_QUALITY,
    ".jpeg": cv2.IMWRITE_JPEG_QUALITY,
    ".jpe": cv2.IMWRITE_JPEG_QUALITY,
    ".webp": cv2.IMWRITE_WEBP_QUALITY,
}
#: Formats without colours.
_GREY = frozenset((".pbm", ".pgm"))


def read_picture(path: Path | str, limit: int = MAX_PIXELS) -> Image:
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


def check_suffix(path: PathLike) -> str:
    """The suffix of a picture to be written, in small letters.

    Raises ProtofaceError for one that OpenCV does not write.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in PICTURES:
        what = f"'{suffix}'" if suffix else "no suffix"
        raise ProtofaceError(
            f"{path}: OpenCV {cv2.__version__} cannot write this format ({what}); "
            f"it writes {', '.join(sorted(PICTURES))}"
        )
    return suffix


def encode_picture(path: PathLike, image: Image, quality: int | None = None) -> bytes:
    """The content of a picture file in the format of the path's suffix; `path` is not touched.

    `image` is H x W x 3 uint8 BGR; .pgm and .pbm hold it in grey. `quality` (1 to 100) is for JPEG and
    WebP, other formats have none. Raises ProtofaceError naming the path.
    """
    suffix = check_suffix(path)
    if quality is not None and not 1 <= quality <= 100:
        raise ProtofaceError(f"{path}: quality is {quality}, it must be 1 to 100")
    options = [_QUALITY[suffix], quality] if quality is not None and suffix in _QUALITY else []
    seen = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if suffix in _GREY else image
    try:
        there, data = cv2.imencode(suffix, seen, options)
    except cv2.error as error:
        raise ProtofaceError(f"{path}: OpenCV cannot write it ({_first_line(error)})") from error
    if not there:
        raise ProtofaceError(f"{path}: OpenCV cannot write it in this format")
    return data.tobytes()


def write_picture(path: PathLike, image: Image, quality: int | None = None) -> None:
    """Write what `encode_picture` makes by way of `replacing`, with its errors.

    OpenCV gets no name: it ends the process at one that is not UTF-8.
    """
    data = encode_picture(path, image, quality)
    with replacing(path) as temporary:
        temporary.write_bytes(data)


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
