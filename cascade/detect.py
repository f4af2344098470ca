"""Detection over files: pictures, videos and cameras in, faces and drawn copies out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

import cv2

from protoface.converters.errors import OutputError, ProtofaceError
from protoface.converters.stopping import Stop

from .cascade import Cascade
from .drawing import draw_faces
from .face import Face
from .inputs import Sources, check_copies, copy_name
from .lists import Matching
from .metrics import image_diagonal, nme
from .parallel import cores, in_order
from .pictures import MAX_PIXELS, open_video, read_picture, write_picture
from .results import Seen, seen
from .resume import ended
from .search import Picture
from .video.frames import Filming, detect_video
from .video.smoothing import Smoothing
from .windows.window import Floats, Image

Item = TypeVar("Item")
#: What a bar of progress is given: the items, how many there are (None: nobody knows) and their name.
Progress = Callable[[Iterable[Item], "int | None", str], Iterable[Item]]
#: Pictures that nets look at together, and pixels of those that are decoded together.
TOGETHER, PIXELS = 16, 16_000_000

#: What is written for a picture, given its faces and true points: names below `How.out` -> pictures.
Copies = Callable[["Picture", Image, "Sequence[Face]", "Floats | None"], Mapping[Path, Image]]


def drawn_copy(
    picture: Picture, image: Image, faces: Sequence[Face], truth: Floats | None
) -> dict[Path, Image]:
    """The picture with its faces drawn, under its own name."""
    return {picture.name: draw_faces(image, faces, truth)}


@dataclass(frozen=True)
class How:
    """How pictures are looked at and what is written.

    `truth` holds true points (n, 2) and `boxes` boxes (n, 4) of x, y, width, height, by the names of
    pictures. What `copies` makes of each picture (drawn faces) goes to `out`, JPEG and WebP with a
    `quality` of 1 to 100. `frames` ends a video or a camera early, `smoothing` filters its final
    points. `max_pixels` is the largest picture that is decoded.
    """

    truth: Matching[Floats] | None = None
    boxes: Matching[Floats] | None = None
    out: Path | None = None
    quality: int | None = None
    frames: int | None = None
    smoothing: Smoothing | None = None
    max_pixels: int = MAX_PIXELS
    copies: Copies = drawn_copy


def no_bar(items: Iterable[Item], total: int | None, unit: str) -> Iterable[Item]:
    """Progress that nobody watches."""
    return items


def detect_sources(
    cascade: Cascade,
    sources: Sources,
    take: Callable[[Seen], object],
    how: How = How(),
    done: int = 0,
    stop: Stop | None = None,
    progress: Progress[Any] = no_bar,
) -> None:
    """Run a cascade over pictures, videos and cameras.

    `take` is called with the result of each picture or frame, when its drawn copy is written; results
    are not kept. It gets what is wrong with a picture that cannot be read, and the job continues. The
    first `done` items of `sources` are left out. The job ends after the picture or frame at which
    `stop` becomes true. Raises ProtofaceError for a copy that would replace what is read, or another
    copy, before anything is written.
    """
    if how.out is not None:
        check_copies(sources, how.out)
    stop = Stop() if stop is None else stop
    left = max(0, len(sources.pictures) - done)
    for one in progress(_seen_pictures(cascade, sources.pictures, how, done), left, "picture"):
        take(one)
        if stop:
            return
    for video in sources.videos[max(0, done - len(sources.pictures)) :]:
        _take_video(cascade, video, take, how, stop, progress)
        if stop:
            return


def _seen_pictures(
    cascade: Cascade, pictures: Sequence[Picture], how: How, done: int
) -> Iterator[Seen]:
    """What is in each picture but the first `done`, by a thread for each core.

    Pictures are grouped from the first one on, done or not: a net may answer in another last digit when
    it gets others beside.
    """
    if len(pictures) - done == 1:  # threads would take longer than they save
        yield from _look(cascade, pictures[done:], how)
        return
    from concurrent.futures import ThreadPoolExecutor  # here, as one picture needs none

    first = done - done % TOGETHER
    groups = [pictures[start : start + TOGETHER] for start in range(first, len(pictures), TOGETHER)]
    workers = cores(None)
    with ThreadPoolExecutor(workers) as pool:
        looked = in_order(pool, partial(_look, cascade, how=how), groups, workers + 1)
        yield from islice(chain.from_iterable(looked), done - first, None)


def _look(cascade: Cascade, pictures: Sequence[Picture], how: How) -> list[Seen]:
    """What is in each of some pictures; what is wrong with one is its answer."""
    found: list[Seen] = []
    group: list[tuple[Picture, Image | str]] = []
    for picture in pictures:
        group.append((picture, _read(picture, how.max_pixels)))
        if sum(image.size for _, image in group if not isinstance(image, str)) > 3 * PIXELS:
            found += _look_together(cascade, group, how)
            group = []
    return found + _look_together(cascade, group, how)


def _read(picture: Picture, limit: int) -> Image | str:
    """A picture, or what is wrong with it."""
    try:
        return read_picture(picture.path, limit)
    except ProtofaceError as error:
        return str(error)


def _look_together(
    cascade: Cascade, group: Sequence[tuple[Picture, Image | str]], how: How
) -> list[Seen]:
    """What is in pictures that are decoded; where one of them is refused, each by itself."""
    readable = [(picture, image) for picture, image in group if not isinstance(image, str)]
    try:
        boxes = [given for picture, _ in readable if (given := _boxes(how, picture)) is not None]
        faces = iter(cascade.detect_batch([image for _, image in readable], boxes or None))
    except (ProtofaceError, MemoryError, cv2.error) as error:
        if len(group) > 1:
            return [seen for one in group for seen in _look_together(cascade, [one], how)]
        path = str(group[0][0].path)
        return [Seen(path, wrong=_wrong(path, error))]
    return [
        Seen(str(picture.path), wrong=image)
        if isinstance(image, str)
        else _shown(picture, image, next(faces), how)
        for picture, image in group
    ]


def _shown(picture: Picture, image: Image, faces: Sequence[Face], how: How) -> Seen:
    """The result of a picture, when its drawn copy is written."""
    path = str(picture.path)
    try:
        truth = how.truth.find(picture.path, picture.root) if how.truth else None
        copies = {} if how.out is None else how.copies(picture, image, faces, truth)
    except (ProtofaceError, MemoryError, cv2.error) as error:
        return Seen(path, wrong=_wrong(path, error))
    for name, copy in copies.items():
        write_picture(Path(how.out or "", name), copy, how.quality)
    return seen(path, faces, errors=_errors(image, faces, truth))


def _wrong(path: str, error: Exception) -> str:
    """What to say of a picture that cannot be looked at."""
    if isinstance(error, ProtofaceError):
        return _named(path, str(error))
    return f"{path}: cannot be looked at: {type(error).__name__}: {error}"


def _named(path: str, message: str) -> str:
    return message if message.startswith(path) else f"{path}: {message}"


def _boxes(how: How, picture: Picture, frame: int | None = None) -> Floats | None:
    """The boxes (n, 4) that are given for a picture, or a frame of a video; None without a list.

    A frame's are listed as `film.mp4:12`; those of `film.mp4` are for the frames without any. Raises
    ProtofaceError if the list has none.
    """
    if how.boxes is None:
        return None
    boxes = None
    if frame is not None:
        boxes = how.boxes.find(picture.path.with_name(f"{picture.path.name}:{frame}"), picture.root)
    if boxes is None:
        boxes = how.boxes.find(picture.path, picture.root)
    if boxes is None:
        where = "" if frame is None else f" or its frame {frame}"
        raise ProtofaceError(
            f"{picture.path}: the list of boxes has none for '{picture.name.as_posix()}'{where}"
        )
    return boxes


def _errors(image: Image, faces: Sequence[Face], truth: Floats | None) -> list[float]:
    """The NME of every stage of the one face that there is; none without truth."""
    if truth is None or len(faces) != 1:
        return []
    diagonal = image_diagonal(image.shape[1], image.shape[0])
    return [float(nme(points, truth, diagonal)) for points in faces[0].stages]


def _take_video(
    cascade: Cascade,
    video: Picture,
    take: Callable[[Seen], object],
    how: How,
    stop: Stop,
    progress: Progress[Any],
) -> None:
    """Every frame of a video or camera; what is wrong with it is told as that of a picture."""
    path = str(video.path)
    copy = None if how.out is None else how.out / copy_name(video, video=True)
    filming = Filming(copy, how.frames, how.smoothing, partial(_boxes, how, video))
    try:
        with (
            open_video(path, how.max_pixels) as opened,
            closing(detect_video(cascade, path, opened, filming, stop)) as frames,
        ):
            known = [total for total in (opened.total, how.frames) if total is not None]
            for number, faces in enumerate(progress(frames, min(known, default=None), "frame")):
                take(seen(path, faces, number))
    except OutputError:
        raise
    except ProtofaceError as error:
        take(Seen(path, wrong=_named(path, str(error))))
    else:
        if not stop:
            take(ended(path))
