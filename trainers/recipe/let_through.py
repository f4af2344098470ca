"""What the trained stages before leave of the training pictures: the windows that a stage will see."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from tqdm import tqdm

from protoface.converters import ProtofaceError
from protoface.converters.files import check_readable, replacing

from ..faces.drawn_windows import Windows
from ..faces.face_scene import Floats
from ..faces.face_table import NEGATIVE, PART, POSITIVE, Indices, Limits
from .recipe_run import RecipeRun
from .window_sampler import Album, Look


def let_through(
    run: RecipeRun, index: int, album: Album, look: Look, limits: Limits
) -> dict[int, Windows]:
    """The windows of each kind that the stages before the `index`-th keep of the complete pictures.

    They are kept in the file STAGE.windows.npz of the results: found once for a training that is
    stopped and resumed.
    """
    name = run.definition.stage[index].name
    path, pictures = run.out / f"{name}.windows.npz", np.flatnonzero(album.complete)
    made_of = _digest(run, index, len(pictures))
    found = _read(path, made_of)
    if found is None:
        found = _found(run, index, album, pictures)
        _write(path, made_of, *found)
    kinds = _by_kind(*found, album, look, limits)
    run.report(
        f"{name}: of {len(found[0])} windows that the stages before keep, {len(kinds[POSITIVE])} are "
        f"faces, {len(kinds[PART])} parts of faces, {len(kinds[NEGATIVE])} neither"
    )
    return kinds


def _found(run: RecipeRun, index: int, album: Album, pictures: Indices) -> tuple[Indices, Floats]:
    """Pictures (n) and boxes (n, 4) that the stages before find."""
    cascade = run.cascade(index)
    owners, boxes = [np.zeros(0, np.int64)], [np.zeros((0, 4))]
    for number in tqdm(pictures.tolist(), desc="find", disable=None):
        faces = cascade.detect(album.pictures[number].image)
        owners.append(np.full(len(faces), number))
        boxes.append(np.array([face.box for face in faces]).reshape(-1, 4))
    return np.concatenate(owners), np.concatenate(boxes)


def _by_kind(
    pictures: Indices, boxes: Floats, album: Album, look: Look, limits: Limits
) -> dict[int, Windows]:
    """What they are, by what the stage sees of them: those that show nothing are left out."""
    seen = [
        look.over(album.pictures[picture].image, box)
        for picture, box in zip(pictures.tolist(), boxes, strict=True)
    ]
    places = np.array([(one.x, one.y, one.width, one.height) for one in seen]).reshape(-1, 4)
    shown = np.array([not one.empty for one in seen], np.bool_)
    judged = album.table.judge(pictures, places, limits)
    windows = Windows(pictures, boxes, judged.faces)
    return {kind: windows[shown & (judged.kinds == kind)] for kind in (NEGATIVE, POSITIVE, PART)}


def _digest(run: RecipeRun, index: int, pictures: int) -> str:
    """Tells the weights that they were found with from others."""
    made_of = hashlib.sha256(str(pictures).encode())
    for stage in run.definition.stage[:index]:
        made_of.update((run.out / stage.weights).read_bytes())
    return made_of.hexdigest()


def _read(path: Path, made_of: str) -> tuple[Indices, Floats] | None:
    """What a file holds; None if there is none, or one of other weights."""
    if not path.exists():
        return None
    check_readable(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["made_of"]) != made_of:
                return None
            return file["pictures"], file["boxes"]
    except Exception as error:  # zipfile and numpy raise several kinds for damaged files
        raise ProtofaceError(
            f"{path}: no windows of this stage ({type(error).__name__}); remove it to find them again"
        ) from error


def _write(path: Path, made_of: str, pictures: Indices, boxes: Floats) -> None:
    data = io.BytesIO()
    np.savez(data, made_of=np.array(made_of), pictures=pictures, boxes=boxes)
    with replacing(path) as temporary:
        temporary.write_bytes(data.getvalue())
