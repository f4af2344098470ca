"""Pictures, videos and cameras, read with errors that name the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from protoface.converters.errors import ProtofaceError, reason
from protoface.converters.files import PathLike, read_bytes, replacing

from .formats import PICTURES, is_camera
from .headers import check_header
from .plain_names import plain_name
from .windows.window import Image

#: Pixels of the largest picture that is decoded unless the caller sets another limit.
MAX_PIXELS = 100_000_000
#: Bytes that a file may have for each pixel of the limit (four channels of 16 bits), and beside them.
BYTES_PER_PIXEL = 8
LONGEST = 64 << 20
_QUALITY = {
    ".jpg": cv2.IMWRITE_JPEG_QUALITY,
    ".jpeg": cv2.IMWRITE_JPEG_QUALITY,
    ".jpe": cv2.IMWRITE_JPEG_QUALITY,
    ".webp": cv2.IMWRITE_WEBP_QUALITY,
}
#: Formats without colours.
_GREY = frozenset((".pbm", ".pgm"))

#: The limit of this process, for who gives none.
_limit = [MAX_PIXELS]


def set_limit(pixels: int) -> None:
    """Set the pixels of the largest picture that this process decodes, where no limit is given."""
    _limit[:] = [pixels]


def read_picture(path: PathLike, limit: int | None = None) -> Image:
    """A picture file as H x W x 3 uint8 BGR, turned upright by its EXIF orientation.

    Grey becomes three equal channels, transparency is dropped, 16 bits become 8; of several pictures in
    a file the first is taken. Raises ProtofaceError naming the file if it is missing, empty, no regular
    file, no picture, a JPEG or PNG that breaks off, or if its header promises more than `limit` pixels
    (MAX_PIXELS, or what `set_limit` says).
    """
    return _decoded(path, _limit[0] if limit is None else limit, cv2.IMREAD_COLOR)


def read_grey(path: PathLike, limit: int | None = None) -> Image:
    """`read_picture` in grey: H x W uint8."""
    return _decoded(path, _limit[0] if limit is None else limit, cv2.IMREAD_GRAYSCALE)


def _decoded(path: PathLike, limit: int, flag: int) -> Image:
    _check_length(path, limit)
    data = read_bytes(path)
    check_header(path, data, limit)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except MemoryError as error:
        raise ProtofaceError(f"{path}: there is not enough memory to decode it") from error
    except cv2.error as error:
        raise ProtofaceError(f"{path}: OpenCV cannot decode it ({reason(error)})") from error
    if image is None:
        raise ProtofaceError(f"{path}: not a picture that OpenCV can decode")
    return image  # type: ignore[return-value]


def _check_length(path: PathLike, limit: int) -> None:
    """Raise ProtofaceError for a file with more bytes than a picture of `limit` pixels can need."""
    try:
        length = os.stat(path).st_size
    except (OSError, ValueError):
        return  # `read_bytes` says why
    if length > LONGEST + BYTES_PER_PIXEL * limit:
        raise ProtofaceError(
            f"{path}: {length / 1e9:.1f} GB are too many for a picture of {limit} pixels; raise the "
            "limit (--max-pixels)"
        )


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
        raise ProtofaceError(f"{path}: OpenCV cannot write it ({reason(error)})") from error
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


#: How FFmpeg's lists of other files begin, which it would open whatever they are.
_PLAYLISTS = (b"ffconcat", b"#EXTM3U", b"<?xml", b"<MPD", b"v=0")


class Video(NamedTuple):
    """An open video: frames per second, how many there are, and the frames (H x W x 3 uint8 BGR).

    `total` is what the file says, None for a camera and where it says nothing.
    """

    rate: float
    total: int | None
    frames: Iterator[Image]


@contextmanager
def open_video(path: str, limit: int = MAX_PIXELS) -> Iterator[Video]:
    """The video in a file, or of a camera (its number).

    Raises ProtofaceError if it is missing or cannot be decoded.
    """
    if not hasattr(cv2, "VideoCapture"):  # as the one with CUDA, see opencv_cuda/build.sh
        raise ProtofaceError(
            f"{path}: this build of OpenCV {cv2.__version__} has no videos; use one of PyPI's"
        )
    with ExitStack() as stack:
        if is_camera(path):
            what, capture = f"camera {path} cannot be opened", cv2.VideoCapture(_number(path))
        else:
            _check_video(path)
            name = stack.enter_context(plain_name(path))
            what, capture = f"{path}: not a video", cv2.VideoCapture(name)
        stack.callback(capture.release)
        if not capture.isOpened():
            raise ProtofaceError(f"{what} for OpenCV {cv2.__version__}")
        width, height = (
            int(capture.get(what)) for what in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        if width * height > limit:
            raise ProtofaceError(f"{path}: frames of {width} x {height} pixels, the limit is {limit}")
        total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        yield Video(
            capture.get(cv2.CAP_PROP_FPS) or 25.0, total if total > 0 else None, _frames(capture)
        )


def _check_video(path: str) -> None:
    """Raise ProtofaceError unless `path` is a regular file that holds frames itself."""
    if not os.path.exists(path):
        raise ProtofaceError(f"{path}: No such file or directory")
    if not os.path.isfile(path):
        raise ProtofaceError(f"{path}: is not a regular file")
    try:
        with open(path, "rb") as file:
            start = file.read(64)
    except OSError as error:
        raise ProtofaceError(f"{path}: {error.strerror or error}") from error
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_PLAYLISTS):
        raise ProtofaceError(f"{path}: is a list of other files, not a video")


def _number(camera: str) -> int:
    return min(int(camera[:10]), 2**31 - 1)  # OpenCV takes no more


def _frames(capture: cv2.VideoCapture) -> Iterator[Image]:
    while True:
        there, frame = capture.read()
        if not there:
            return
        yield frame  # type: ignore[misc]
