"""Pictures and labels for level 1: whole pictures at the net's size, as the original makes them."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from io import FileIO
from pathlib import Path

import cv2
import numpy as np

from protoface.cascade.formats import PICTURES
from protoface.cascade.parallel import chunks, cores, in_order, progress
from protoface.cascade.pictures import encode_picture, read_picture
from protoface.cascade.windows.window import Image
from protoface.converters import ProtofaceError
from protoface.converters.files import PathLike, cannot_write, replacing, write_all
from protoface.converters.locking import LOCK, alone
from protoface.converters.stopping import stopping
from protoface.eval.datasets.dataset import Dataset, Labelled, list_dataset
from protoface.eval.datasets.picture_set import NO_PART, PARTS

from .journal import Entry, Journal
from .labels import centre, label_line, to_labels

BAD = "bad"
SUFFIXES = tuple(PICTURES)
CHUNK = 32  # pictures a worker takes at a time
JOURNAL = "journal.jsonl"
UNFINISHED = ".unfinished-"  # a picture that a thread is writing, in the job's folder


@dataclass(frozen=True)
class Prepared:
    """What a folder holds: pictures in each part, and how many were left out (`bad.txt` says why)."""

    out: Path
    counts: dict[str, int]
    bad: int


def prepare(
    data: PathLike,
    out: PathLike,
    workers: int | None = None,
    size: int = 48,
    seed: int = 0,
) -> Prepared:
    """Make level 1's training data of an annotated set (see `labelled_set`).

    Writes for each part, `train`, `val` and `test`, a folder of pictures of `size` x `size` under their
    own names, and a list `<part>.txt` of names and labels for ImageData. Pictures that are missing,
    cannot be decoded, or have a point outside are left out and listed in `bad.txt`. A job that was
    killed goes on where it stopped when it is called again. `workers` threads, one a core by default.
    Raises ProtofaceError for lists that cannot be read, and if another process works in the folder;
    Interrupted after SIGINT or SIGTERM.
    """
    found, target = labelled_set(data, seed), Path(out)
    settings = {"data": str(found.root.resolve()), "pictures": len(found), "size": size, "seed": seed}
    with alone(target / LOCK):
        journal = Journal(target / JOURNAL, settings)
        clear_unfinished(target)
        missing = (picture for picture in found if picture.name not in journal.done)
        work = partial(_prepare_some, out=target, size=size)
        left = len(found) - len(journal.done)
        with stopping() as stop:
            for entries in run_chunks(work, missing, left, workers, "prepare"):
                journal.add(entries)
                if stop:
                    break
        return write_lists(target, journal.entries(found.names))


def labelled_set(data: PathLike, seed: int) -> Dataset:
    """All faces of the set in a folder, each with its part, drawn with `seed` where the set has none.

    Raises ProtofaceError as `list_dataset` does, for a picture without a part where others have one,
    and for one with several faces: a copy has the picture's name.
    """
    found = list_dataset(data, seed)
    unknown = np.flatnonzero(found.parts == NO_PART)
    if len(unknown):
        raise ProtofaceError(f"{found.root}: does not say which part '{found.names[unknown[0]]}' is in")
    if len(set(found.names)) < len(found):
        name = next(name for name, count in Counter(found.names).items() if count > 1)
        raise ProtofaceError(
            f"{found.root}: '{name}' shows several faces; only one of a picture is written"
        )
    return found


def run_chunks(
    work: partial[list[Entry]],
    pictures: Iterable[Labelled],
    count: int,
    workers: int | None,
    title: str,
) -> Iterable[list[Entry]]:
    """`work` on chunks of pictures in threads, with a progress bar where somebody watches."""
    threads, parts = cores(workers), chunks(pictures, CHUNK)
    with ExitStack() as stack:
        done_with = stack.enter_context(progress(count, title, "picture"))
        if threads == 1:  # here and now: a second thread would wait for the first one's lock
            done: Iterable[list[Entry]] = map(work, parts)
        else:
            from concurrent.futures import ThreadPoolExecutor

            pool = stack.enter_context(ThreadPoolExecutor(threads))
            done = in_order(pool, work, parts, 3 * threads)
        for entries in done:
            yield entries
            done_with(len(entries))


def write_lists(out: Path, entries: Iterable[Entry]) -> Prepared:
    """The lists of a finished job: `<part>.txt` for ImageData and `bad.txt`."""
    counts = dict.fromkeys((*PARTS, BAD), 0)
    with ExitStack() as stack:
        files = {}
        for part in counts:
            for unfinished in out.glob(f".{part}.*.txt"):  # of a job that was killed here
                unfinished.unlink()
            path = stack.enter_context(replacing(out / f"{part}.txt"))
            files[part] = stack.enter_context(path.open("w", encoding="utf-8"))
        for name, part, text in entries:
            counts[part] += 1
            print(f"{name}: {text}" if part == BAD else text, file=files[part])
    for part in PARTS:
        if not counts[part]:
            (out / f"{part}.txt").unlink()  # an empty list is no list
    bad = counts.pop(BAD)
    return Prepared(out, counts, bad)


def read_labelled(picture: Labelled) -> Image:
    """The picture, H x W x 3 uint8 BGR. Raises ProtofaceError if a point lies outside of it."""
    image = read_picture(picture.path)
    height, width = image.shape[:2]
    for x, y in picture.points.tolist():
        if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
            raise ProtofaceError(f"the point {x:g}, {y:g} is outside the {width} x {height} picture")
    return image


def write_picture(out: str, name: str, image: np.ndarray) -> None:
    """Write `out`/`name` in the format of its suffix, whole or not at all. Raises ProtofaceError.

    The way of `replacing` takes as long as the rest of a small picture's work.
    """
    path, data = f"{out}/{name}", encode_picture(name, image)
    temporary = f"{out}/{UNFINISHED}{threading.get_ident()}"
    try:
        with FileIO(temporary, "w") as file:
            write_all(file, data)
        try:
            os.replace(temporary, path)
        except FileNotFoundError:  # looked for only where it was missing
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.replace(temporary, path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise cannot_write(path, error) from error


def clear_unfinished(out: Path) -> None:
    """Remove the pictures that a killed job was writing."""
    for path in out.glob(f"{UNFINISHED}*"):
        path.unlink()


def check_name(name: str) -> None:
    """Raise ProtofaceError for a picture whose copy cannot be written, or not in its folder."""
    if not name.lower().endswith(SUFFIXES):
        raise ProtofaceError("its name has no suffix of a picture, such as .jpg")
    if name.startswith("/") or ".." in name.split("/"):
        raise ProtofaceError("its name is a path out of the folder")


def reason(error: ProtofaceError, picture: Labelled) -> str:
    """What is wrong with a picture, its path left out where the message begins with it."""
    return str(error).removeprefix(f"{picture.path}: ")


def _prepare_some(pictures: list[Labelled], out: Path, size: int) -> list[Entry]:
    """One step after the other for all of them: so each finds its code and tables in the caches."""
    smalls = np.empty((len(pictures), size, size, 3), np.uint8)
    found = [_shrink(picture, small) for picture, small in zip(pictures, smalls, strict=True)]
    good = [index for index, middle in enumerate(found) if not isinstance(middle, str)]
    points = np.reshape([pictures[index].points for index in good], (-1, len(pictures[0].points), 2))
    labels = to_labels(points, np.reshape([found[index] for index in good], (-1, 2)))
    folder = str(out)
    entries = [(picture.name, BAD, str(wrong)) for picture, wrong in zip(pictures, found, strict=True)]
    for index, label in zip(good, labels, strict=True):
        picture = pictures[index]
        write_picture(folder, f"{picture.part}/{picture.name}", smalls[index])
        entries[index] = picture.name, picture.part, label_line(picture.name, label)
    return entries


def _shrink(picture: Labelled, small: Image) -> tuple[int, int] | str:
    """Write the picture into `small`, in its size; the centre of the whole one, or what is wrong."""
    try:
        check_name(picture.name)
        image = read_labelled(picture)
        middle = centre(image.shape[1]), centre(image.shape[0])
    except ProtofaceError as error:
        return reason(error, picture)
    # on uint8, as the original: its training data is a little coarser than what its demo feeds the net
    cv2.resize(image, small.shape[1::-1], dst=small)
    return middle
