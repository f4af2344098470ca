"""Folders of drawn faces, in the layout of files that photographs with the same points come in.

celeba5: CelebA's lists. ibug68 and ibug77: 300-W's folders, `trainset/` and `testset/`, with a .pts
file beside each picture. wflw98: WFLW's lists. They are written last; until then a journal is there,
from which a killed job resumes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from protoface.cascade.layouts import DEFAULT
from protoface.cascade.parallel import chunks, cores, in_order
from protoface.cascade.pictures import write_picture
from protoface.converters import ProtofaceError
from protoface.converters.files import PathLike, write_text
from protoface.converters.locking import LOCK, alone
from protoface.converters.stopping import stopping
from protoface.eval.datasets import celeba, wflw
from protoface.eval.datasets.dataset import TRAIN_SHARE

from ..defaults import SIZE
from ..sets.journal import Entry as Noted
from ..sets.journal import Journal
from .faces import NARROWEST, WIDEST, draw_views
from .head import Floats
from .markup import check_layout
from .workers import drawing

SETS = ("trainset", "testset")  # of a folder as 300-W's are
JOURNAL = "drawn.jsonl"


@dataclass(frozen=True, eq=False)
class Entry:
    """A picture that was written: `points` (n, 2) within it, `box` (4,) x, y, width, height."""

    name: str
    test: bool
    points: Floats
    box: Floats

    def noted(self) -> Noted:
        """As a journal has it."""
        text = json.dumps([self.points.tolist(), self.box.tolist()])
        return self.name, "test" if self.test else "train", text


def _as_entry(noted: Noted) -> Entry:
    name, part, text = noted
    points, box = map(np.array, json.loads(text))
    return Entry(name, part == "test", points, box)


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
    count: int
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
    `finished`; a job that was killed goes on where it stopped when it is called again. Raises
    ProtofaceError if `count` is not positive, `narrowest` not above 0 and at most WIDEST, the layout
    one that cannot be drawn, or another process works in the folder; Interrupted after SIGINT or
    SIGTERM.
    """
    check_layout(layout)
    if count < 1:
        raise ProtofaceError(f"{count} faces: ask for at least one")
    if not 0 < narrowest <= WIDEST:
        raise ProtofaceError(
            f"narrowest is {narrowest:g}; a face is more than 0 and at most {WIDEST:g} wide"
        )
    folder, files = Path(out), _FILES[layout]
    work = _Work(folder, count, seed, size, views, narrowest, layout)
    settings = {name: value for name, value in asdict(work).items() if name != "folder"}
    with alone(folder / LOCK):
        journal = Journal(folder / JOURNAL, settings)
        for test in (False, True):
            (folder / files.pictures(test)).mkdir(parents=True, exist_ok=True)
        _draw(work, journal, cores(workers))
        files.write(folder, list(map(_as_entry, journal.entries())))
        journal.path.unlink()
    return folder


def finished(folder: PathLike, layout: str) -> bool:
    """Whether `write_faces` has come to its end in a folder. Raises ProtofaceError as it does."""
    check_layout(layout)
    return not (Path(folder) / JOURNAL).exists() and _FILES[layout].finished(Path(folder))


def _draw(work: _Work, journal: Journal, workers: int) -> None:
    """Draw the faces that are not in the journal."""
    left = [index for index in range(work.count) if _name(index, 0) not in journal.done]
    draw, bar = partial(_write_some, work=work), partial(tqdm, desc="draw", unit="face", disable=None)
    with stopping() as stop, bar(total=len(left)) as shown, drawing(workers, stop) as pool:
        for part in in_order(pool, draw, chunks(left, 32), 2 * workers):
            journal.add([entry.noted() for entry in part])
            shown.update(len(part))
            if stop:
                break


def _write_some(indices: list[int], work: _Work) -> list[Entry]:
    return [entry for index in indices for entry in _write_one(index, work)]


def _write_one(index: int, work: _Work) -> Iterator[Entry]:
    test = bool(np.random.default_rng([work.seed, index, 1]).random() > TRAIN_SHARE)
    views = 1 if test else work.views
    faces = draw_views(work.seed, index, views, work.size, work.narrowest, work.layout)
    for view, face in enumerate(faces):
        name = _name(index, view)
        write_picture(work.folder / _FILES[work.layout].pictures(test) / name, face.image)
        rows, columns = face.image.shape[:2]
        # a nose may stand out of the picture; labels lie inside, as those of photographs do
        yield Entry(name, test, np.clip(face.points, 0, (columns - 1, rows - 1)), face.box)


def _name(index: int, view: int) -> str:
    return f"{index:06d}_{view}.jpg" if view else f"{index:06d}.jpg"


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
