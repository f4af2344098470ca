"""Detection over files: pictures, folders, videos, cameras; drawn pictures and JSON out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import cv2

from protoface.converters.errors import ProtofaceError
from protoface.converters.files import replacing, write_text

from .cascade import Cascade
from .drawing import draw
from .face import Face
from .metrics import image_diagonal, nme
from .pictures import find_pictures, is_video, open_video, read_picture
from .video.smoothing import OneEuro, Smoothing, smoothed
from .windows.window import Floats, Image


@dataclass(frozen=True)
class Given:
    """What is known of pictures beforehand, by file name: true points (n, 2), one box (x, y, w, h)."""

    truth: Mapping[str, Floats] = field(default_factory=dict)
    boxes: Mapping[str, Floats] = field(default_factory=dict)


@dataclass
class Results:
    """What `detect_paths` found.

    `entries` are the rows of the JSON file: path, (frame,) points, level_1, window. `errors` holds, per
    picture with known truth, the NME of each level over the picture's diagonal. `bad` are pictures that
    could not be read, one line each.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    errors: list[list[float]] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)


def detect_paths(
    cascade: Cascade,
    paths: Sequence[str],
    given: Given,
    out: Path | None = None,
    frames: int | None = None,
    progress: Callable[[Sequence[Path]], Iterator[Path]] = iter,
    smoothing: Smoothing | None = None,
) -> Results:
    """Run a cascade over pictures, folders of pictures, videos and cameras (their numbers).

    Drawn pictures go to `out` under their own names, pictures of a folder keep their place in it.
    `frames` ends a video or a camera early, `smoothing` steadies its final points. A picture that
    cannot be read is listed in `Results.bad`, and the job goes on. Raises ProtofaceError for a path
    that is nothing of all that, and for two pictures that would be written to one file.
    """
    results = Results()
    targets: dict[Path, Path] = {}
    for path in (path for path in paths if not is_video(path)):
        for picture, name in _pictures(Path(path)):
            if name in targets.values() and out is not None:
                raise ProtofaceError(f"{picture}: another picture is written to {out / name} too")
            targets[picture] = name
    for picture in progress(list(targets)):
        try:
            drawn = _picture(cascade, picture, given, results)
        except ProtofaceError as error:
            results.bad.append(str(error))
            continue
        if out is not None:
            _write_picture(out / targets[picture], drawn)
    for path in filter(is_video, paths):
        _video(cascade, path, out, frames, results, smoothing)
    return results


def _pictures(path: Path) -> Iterator[tuple[Path, Path]]:
    """Each picture at `path` with the name that its drawn copy gets."""
    if path.is_dir():
        yield from ((picture, picture.relative_to(path)) for picture in find_pictures(path))
    elif path.exists():
        yield path, Path(path.name)
    else:
        raise ProtofaceError(f"{path}: No such file or directory")


def _picture(cascade: Cascade, path: Path, given: Given, results: Results) -> Image:
    image = read_picture(path)
    box = given.boxes.get(path.name)
    if given.boxes and box is None:
        raise ProtofaceError(f"{path}: the list of boxes has none for '{path.name}'")
    (face,) = cascade.detect(image, None if box is None else [box])
    truth = given.truth.get(path.name)
    if truth is not None:
        diagonal = image_diagonal(image.shape[1], image.shape[0])
        results.errors.append([float(nme(level, truth, diagonal)) for level in face.stages])
    results.entries.append({"path": str(path), **entry(face)})
    return _drawn(image, face, truth)


def _drawn(image: Image, face: Face, truth: Floats | None = None) -> Image:
    window = face.windows[-1] if len(face.windows) > 1 else None
    return draw(image, face.stages, window, truth)


def entry(face: Face) -> dict[str, Any]:
    """A face as JSON: points and level_1 [[x, y], ...], the last window [x, y, width, height]."""
    return {
        "points": face.points.tolist(),
        "level_1": face.stages[0].tolist(),
        "window": face.windows[-1].tolist(),
    }


def write_json(path: Path, results: Results) -> None:
    """Write the entries as a JSON list, a line each; the file appears whole or not at all."""
    write_text(path, "[\n" + ",\n".join(map(json.dumps, results.entries)) + "\n]\n")


def _write_picture(path: Path, image: Image) -> None:
    with replacing(path) as temporary:
        if not cv2.imwrite(str(temporary), image):
            raise ProtofaceError(f"{path}: OpenCV cannot write this format")


def _video(
    cascade: Cascade,
    path: str,
    out: Path | None,
    frames: int | None,
    results: Results,
    smoothing: Smoothing | None,
) -> None:
    """Detect in every frame; with `out` also write the drawn frames as an .mp4."""
    name = f"camera_{path}.mp4" if path.isdigit() else f"{Path(path).stem}.mp4"
    with open_video(path) as (rate, images):
        # a camera's frames come when they come
        times = iter(time.perf_counter, None) if path.isdigit() else (n / rate for n in count())
        find = partial(_find, cascade, None if smoothing is None else OneEuro(smoothing))
        drawn = _drawn_frames(find, path, zip(islice(images, frames), times, strict=False), results)
        done = sum(1 for _ in drawn) if out is None else _write_video(out / name, rate, drawn)
    if not done:
        raise ProtofaceError(f"{path}: holds no frame that OpenCV can decode")


def _find(cascade: Cascade, smoother: OneEuro | None, image: Image, seconds: float) -> Face:
    (face,) = cascade.detect(image)
    return face if smoother is None else smoothed(face, smoother, seconds)


def _drawn_frames(
    find: Callable[[Image, float], Face],
    path: str,
    frames: Iterator[tuple[Image, float]],
    results: Results,
) -> Iterator[Image]:
    """Each frame with its points; Ctrl-C ends the stream, which is how a camera is stopped."""
    try:
        for number, (image, seconds) in enumerate(frames):
            face = find(image, seconds)
            results.entries.append({"path": path, "frame": number, **entry(face)})
            yield _drawn(image, face)
    except KeyboardInterrupt:
        return


def _write_video(path: Path, rate: float, images: Iterator[Image]) -> int:
    """Write frames of one size as MPEG-4 and return how many there were."""
    first = next(images, None)
    if first is None:
        return 0
    height, width = first.shape[:2]
    with replacing(path) as temporary:
        code = cv2.VideoWriter.fourcc(*"mp4v")
        writer = cv2.VideoWriter(str(temporary), code, rate, (width, height))
        if not writer.isOpened():
            raise ProtofaceError(f"{path}: this OpenCV cannot write .mp4")
        written = 0
        for image in chain([first], images):
            writer.write(image)
            written += 1
        writer.release()
    return written
