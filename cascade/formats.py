"""Which files are pictures and videos, by their suffixes."""

from __future__ import annotations

from pathlib import Path

import cv2

#: Suffixes of what OpenCV may read. OpenEXR is not among them: builds have it switched off.
_FORMATS = (
    *(
        ".apng",
        ".avif",
        ".bmp",
        ".dib",
        ".gif",
        ".hdr",
        ".jp2",
        ".jpe",
        ".jpeg",
        ".jpg",
        ".pam",
        ".pbm",
    ),
    *(".pfm", ".pgm", ".pic", ".png", ".pnm", ".ppm", ".ras", ".sr", ".tif", ".tiff", ".webp"),
)
#: Before 4.12 OpenCV ends the process at some damaged files of JPEG 2000.
HAS_JPEG_2000 = tuple(map(int, cv2.__version__.split(".")[:2])) >= (4, 12)
#: Those that this build of OpenCV has. It only tells which ones it writes, and it reads what it writes.
PICTURES = frozenset(
    suffix
    for suffix in _FORMATS
    if cv2.haveImageWriter(f"a{suffix}") and (HAS_JPEG_2000 or suffix != ".jp2")
)
VIDEOS = frozenset(
    (
        *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts"),
        *(".ogv", ".webm", ".wmv"),
    )
)


def is_video(path: str) -> bool:
    """Whether `path` is a camera's number or a video file, by its suffix."""
    return is_camera(path) or Path(path).suffix.lower() in VIDEOS


def is_camera(path: str | Path) -> bool:
    """Whether `path` is a camera's number rather than a file."""
    name = str(path)
    return name.isascii() and name.isdigit()
