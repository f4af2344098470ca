"""Detection over files: pictures, folders, videos and cameras in, faces and drawn pictures out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from protoface.converters.errors import ProtofaceError
from protoface.converters.files import refuse_inputs, replacing

from .cascade import Cascade
from .drawing import draw_faces
from .face import Face
from .lists import Matching
from .metrics import image_diagonal, nme
from .pictures import Picture, is_video, listed_pictures, read_picture
from .video.frames import detect_video, video_name
from .video.smoothing import Smoothing
from .windows.window import Floats, Image


@dataclass(frozen=True)
class Given:
    """What is given for pictures: true points (n, 2), one box (x, y, width, height)."""

    truth: Matching[Floats] | None = None
    boxes: Matching[Floats] | None = None


@dataclass(frozen=True, eq=False)
class Seen:
    """What was found in one picture, or in one `frame` of a video (from 0).

    `errors` are, where the truth is known, the NME of every stage over the picture's diagonal. `wrong`
    says why a picture could not be looked at.
    """

    path: str
    faces: Sequence[Face] = ()
    frame: int | None = None
    errors: Sequence[float] = ()
    wrong: str = ""

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row of JSON for each face; see `row`."""
        place = {"path": self.path} if self.frame is None else {"path": self.path, "frame": self.frame}
        for number, face in enumerate(self.faces):
            yield {**place, "face": number, **row(face)}


def row(face: Face) -> dict[str, Any]:
    """A face as JSON: box [x, y, width, height], score (null: no stage says), points [[x, y], ...].

    `level_1` are the first stage's points, `window` what the last one looked at, [x, y, width, height]
    and the angle of one that is turned.
    """
    return {
        "box": face.box.tolist(),
        "score": None if math.isnan(face.score) else face.score,
        "points": face.points.tolist(),
        "level_1": face.stages[0].tolist(),
        "window": face.windows[-1].tolist(),
    }


def detect_paths(
    cascade: Cascade,
    paths: Sequence[str],
    take: Callable[[Seen], object],
    given: Given | None = None,
    out: Path | None = None,
    frames: int | None = None,
    progress: Callable[[Sequence[Picture]], Iterable[Picture]] = iter,
    smoothing: Smoothing | None = None,
) -> None:
    """Run a cascade over pictures, folders of pictures, videos and cameras (their numbers).

    `take` is called with the result of each picture or frame; results are not kept. Drawn pictures go
    to `out` under their own names, pictures of a folder keep their place in it. `frames` ends a video
    or a camera early, `smoothing` filters its final points. For a picture that cannot be read `take`
    gets the error, and the job continues. Raises ProtofaceError for a path that is none of these, for
    two pictures or videos that would be written to one file, and for a drawn copy that would replace
    what is read, before anything is written.
    """
    pictures = [one for path in paths if not is_video(path) for one in listed_pictures(Path(path))]
    videos = [path for path in paths if is_video(path)]
    if out is not None:
        names = [(one.path, one.name) for one in pictures] + [(Path(v), video_name(v)) for v in videos]
        _check_targets(names, out)
        refuse_inputs((out / name for _, name in names), (source for source, _ in names))
    for picture in progress(pictures):
        take(_look(cascade, picture, given or Given(), out))
    for path in videos:
        for_frame = _taker(path, take)
        detect_video(cascade, path, for_frame, out, frames, smoothing)


def _taker(path: str, take: Callable[[Seen], object]) -> Callable[[int, Sequence[Face]], object]:
    return lambda number, faces: take(Seen(path, faces, number))


def _check_targets(names: Iterable[tuple[Path, Path]], out: Path) -> None:
    """Raise ProtofaceError if two of (source, name) would be written to one file."""
    taken: dict[Path, Path] = {}
    for source, name in names:
        if name in taken:
            raise ProtofaceError(
                f"{source}: {taken[name]} is written to {out / name} too; give another --out"
            )
        taken[name] = source


def _look(cascade: Cascade, picture: Picture, given: Given, out: Path | None) -> Seen:
    """One picture; what is wrong with it is part of the answer."""
    path = str(picture.path)
    try:
        image = read_picture(picture.path)
        box = given.boxes.find(picture.path, picture.root) if given.boxes else None
        if given.boxes and box is None:
            raise ProtofaceError(f"{path}: the list of boxes has none for '{picture.name.as_posix()}'")
        faces = cascade.detect(image, None if box is None else [box])
        truth = given.truth.find(picture.path, picture.root) if given.truth else None
    except ProtofaceError as error:
        return Seen(path, wrong=str(error))
    if out is not None:
        _write_picture(out / picture.name, draw_faces(image, faces, truth))
    return Seen(path, faces, errors=_errors(image, faces, truth))


def _errors(image: Image, faces: Sequence[Face], truth: Floats | None) -> list[float]:
    """The NME of every stage of the one face that there is; none without truth."""
    if truth is None or len(faces) != 1:
        return []
    diagonal = image_diagonal(image.shape[1], image.shape[0])
    return [float(nme(points, truth, diagonal)) for points in faces[0].stages]


def _write_picture(path: Path, image: Image) -> None:
    with replacing(path) as temporary:
        if not cv2.imwrite(str(temporary), image):
            raise ProtofaceError(f"{path}: OpenCV cannot write this format")


@contextmanager
def json_lines(path: Path | None) -> Iterator[Callable[[Seen], None]]:
    """A function that writes results as JSON Lines; the file appears when all are written.

    Without a path it writes nothing.
    """
    if path is None:
        yield lambda seen: None
        return
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:

        def write(seen: Seen) -> None:
            file.writelines(json.dumps(line) + "\n" for line in seen.rows())

        yield write
