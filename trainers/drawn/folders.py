"""Folders of drawn faces, in the layout of files that photographs with the same points come in.

celeba5: CelebA's lists. ibug68 and ibug77: 300-W's folders, `trainset/` and `testset/`, with a .pts
file beside each picture. wflw98: WFLW's lists. What says that a folder is finished is written last.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from protoface.cascade.layouts import DEFAULT
from protoface.cascade.parallel import chunks, cores, in_order
from protoface.converters import ProtofaceError
from protoface.converters.files import PathLike, write_text
from protoface.eval.datasets import celeba, wflw
from protoface.eval.datasets.dataset import TRAIN_SHARE

from ..defaults import SIZE
from .faces import NARROWEST, WIDEST, draw_views
from .head import Floats
from .markup import check_layout

SETS = ("trainset", "testset")  # of a folder as 300-W's are


@dataclass(frozen=True, eq=False)
class Entry:
    """A picture that was written: `points` (n, 2) within it, `box` (4,) x, y, width, height."""

    name: str
    test: bool
    points: Floats
    box: Floats


@dataclass(frozen=True)
class _Files:
    """Where a layout has its pictures, test or not, what writes its points, and what comes last."""

    pictures: Callable[[bool], str]
    write: Callable[[Path, Sequence[Entry]], None]
    finished: Callable[[Path], bool]


@dataclass(frozen=True)
class _Work:
    """What a process draws, and where it puts the pictures."""

    folder: Path
    seed: int
    size: int
    views: int
    narrowest: float
    layout: str


def write_faces(
    out: PathLike,
    count: int,
    seed: int = 0,
    size: int = SIZE,
    workers: int | None = None,
    views: int = 1,
    narrowest: float = NARROWEST,
    layout: str = DEFAULT,
) -> Path:
    """Draw `count` faces into a folder, four fifths of them for training. Returns the folder.

    Of each face there are `views` pictures (see `draw_views`), all of them in the same part; the test
    part has one of each, so that its pictures do not depend on one another. The pictures are the same
    for each `layout`, which decides on the points and on the files that they are in (see the head of
    this module). Points outside of a picture are moved to its edge.

    `narrowest` as in `draw_face`. `workers` processes, one a core by default. The points come last, see
    `finished`. Raises ProtofaceError if `count` is not positive, `narrowest` not above 0 and at most
    WIDEST, or the layout one that cannot be drawn.
    """
    check_layout(layout)
    if count < 1:
        raise ProtofaceError(f"{count} faces: ask for at least one")
    if not 0 < narrowest <= WIDEST:
        raise ProtofaceError(
            f"narrowest is {narrowest:g}; a face is more than 0 and at most {WIDEST:g} wide"
        )
    folder, files = Path(out), _FILES[layout]
    for test in (False, True):
        (folder / files.pictures(test)).mkdir(parents=True, exist_ok=True)
    work = partial(_write_some, work=_Work(folder, seed, size, views, narrowest, layout))
    parts = _drawn(work, chunks(range(count), 32), cores(workers), count)
    files.write(folder, [entry for part in parts for entry in part])
    return folder


def finished(folder: PathLike, layout: str) -> bool:
    """Whether `write_faces` has come to its end in a folder. Raises ProtofaceError as it does."""
    check_layout(layout)
    return _FILES[layout].finished(Path(folder))


def _drawn(
    work: partial[list[Entry]], indices: Iterable[list[int]], workers: int, count: int
) -> Iterator[list[Entry]]:
    with ExitStack() as stack:
        bar = stack.enter_context(tqdm(total=count, desc="draw", unit="face", disable=None))
        # not forked: a fork beside the threads of OpenCV or PyTorch can stand still for ever
        context = multiprocessing.get_context("spawn")
        pool = stack.enter_context(ProcessPoolExecutor(workers, context, _one_thread))
        for part in in_order(pool, work, indices, 2 * workers):
            yield part
            bar.update(len(part))


def _one_thread() -> None:
    cv2.setNumThreads(1)  # the processes share the cores already


def _write_some(indices: list[int], work: _Work) -> list[Entry]:
    return [entry for index in indices for entry in _write_one(index, work)]


def _write_one(index: int, work: _Work) -> Iterator[Entry]:
    test = bool(np.random.default_rng([work.seed, index, 1]).random() > TRAIN_SHARE)
    views = 1 if test else work.views
    faces = draw_views(work.seed, index, views, work.size, work.narrowest, work.layout)
    for view, face in enumerate(faces):
        name = f"{index:06d}_{view}.jpg" if view else f"{index:06d}.jpg"
        path = work.folder / _FILES[work.layout].pictures(test) / name
        if not cv2.imwrite(str(path), face.image):
            raise ProtofaceError(f"{path}: cannot be written")
        rows, columns = face.image.shape[:2]
        # a nose may stand out of the picture; labels lie inside, as those of photographs do
        yield Entry(name, test, np.clip(face.points, 0, (columns - 1, rows - 1)), face.box)


def _numbers(values: Floats, digits: int) -> str:
    return " ".join(f"{value:.{digits}f}" for value in values.ravel())


def _write_celeba(folder: Path, entries: Sequence[Entry]) -> None:
    names = ("lefteye", "righteye", "nose", "leftmouth", "rightmouth")
    columns = " ".join(f"{name}_{axis}" for name in names for axis in "xy")
    points = [f"{entry.name} {_numbers(entry.points, 2)}" for entry in entries]
    boxes = [f"{entry.name} {_numbers(entry.box, 2)}" for entry in entries]
    parts = [f"{entry.name} {2 if entry.test else 0}" for entry in entries]
    write_text(folder / celeba.LANDMARKS, "\n".join([str(len(entries)), columns, *points, ""]))
    columns = "image_id x_1 y_1 width height"
    write_text(folder / celeba.BOXES, "\n".join([str(len(entries)), columns, *boxes, ""]))
    write_text(folder / celeba.PARTITION, "\n".join([*parts, ""]))


def _write_w300(folder: Path, entries: Sequence[Entry]) -> None:
    for entry in entries:
        rows = [_numbers(row, 3) for row in entry.points + 1]  # the first pixel is (1, 1)
        lines = ["version: 1", f"n_points: {len(rows)}", "{", *rows, "}", ""]
        path = (folder / SETS[entry.test] / entry.name).with_suffix(".pts")
        write_text(path, "\n".join(lines))


def _each_has_points(folder: Path) -> bool:
    pictures = [path for name in SETS for path in (folder / name).glob("*.jpg")]
    return bool(pictures) and all(path.with_suffix(".pts").is_file() for path in pictures)


def _write_wflw(folder: Path, entries: Sequence[Entry]) -> None:
    """The rectangle is the points' bounds; the six flags of what is hard about a picture are 0."""
    for test in (True, False):
        part = [entry for entry in entries if entry.test == test]
        lines = [f"{_wflw_numbers(entry.points)} 0 0 0 0 0 0 {entry.name}" for entry in part]
        # a file without a byte would be taken for one that was cut off
        write_text(_wflw_list(folder, test), "\n".join([*lines, ""]) or "\n")


def _wflw_list(folder: Path, test: bool) -> Path:
    return folder / wflw.FOLDERS[0] / wflw.LISTS["test" if test else "train"]


def _wflw_numbers(points: Floats) -> str:
    bounds = np.concatenate((np.floor(points.min(0)), np.ceil(points.max(0))))
    return f"{_numbers(points, 3)} {_numbers(bounds, 0)}"


_W300 = _Files(lambda test: SETS[test], _write_w300, _each_has_points)
_FILES = {
    "celeba5": _Files(
        lambda test: celeba.FOLDERS[-1],
        _write_celeba,
        lambda folder: (folder / celeba.PARTITION).is_file(),
    ),
    "ibug68": _W300,
    "ibug77": _W300,
    "wflw98": _Files(
        lambda test: wflw.PICTURES,
        _write_wflw,
        lambda folder: _wflw_list(folder, test=False).is_file(),
    ),
}
