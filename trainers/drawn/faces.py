"""Faces of our own drawing, with exact points: a picture for each seed and index, in any number.

A head in 3-D (`synthetic_head`) is painted and lit (`synthetic_paint`), turned, and put into a scene
(`synthetic_scene`). Everything is drawn at random; no photograph is needed or used.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from protoface.cascade.parallel import chunks, cores, in_order
from protoface.converters import ProtofaceError
from protoface.converters.files import PathLike, write_text

from ..defaults import SIZE
from ..sets.celeba import BOXES, FOLDERS, LANDMARKS, PARTITION, TRAIN_SHARE
from . import scene as scene
from .brush import Picture
from .head import (
    Floats,
    Generator,
    Pose,
    Shape,
    View,
    draw_rotation,
    draw_shape,
    landmarks,
    look,
    outline,
    relief,
)
from .paint import Style, draw_style, paint_face

#: Width of a face, of its hair and ears less, in parts of the picture's width.
NARROWEST, WIDEST = 0.25, 0.6
FACE_WIDTH = 2.35  # of a mean face, in eye distances


@dataclass(frozen=True, eq=False)
class SyntheticFace:
    """A picture, H x W x 3 uint8 BGR, with one face.

    `points` (5, 2) float32 are pixels (x, y): left eye, right eye, nose, left and right corner of the
    mouth, in image order. `box` (4,) float32 is x, y, width, height of the face from hairline to chin.
    """

    image: Picture
    points: Floats
    box: Floats


@dataclass(frozen=True, eq=False)
class _Scene:
    """A drawn picture before a camera has seen it, the points, the face's outline (n, 2), its pose."""

    picture: Picture
    points: Floats
    ring: Floats
    pose: Pose


def draw_face(seed: int, index: int, size: int = SIZE, narrowest: float = NARROWEST) -> SyntheticFace:
    """The `index`-th face of a seed (both 0 or more); the same pixels every time, in any order.

    `size` is the picture's longer side in pixels, `narrowest` the least width of a face in parts of the
    picture's, at most WIDEST.
    """
    return draw_views(seed, index, 1, size, narrowest)[0]


def draw_views(
    seed: int, index: int, count: int, size: int = SIZE, narrowest: float = NARROWEST
) -> list[SyntheticFace]:
    """`count` pictures of the face that `draw_face` draws, its own first.

    The others are mirrored, turned, moved and scaled, by another camera. They cost a fifth of a new
    face and teach a net where a face may lie.
    """
    rng = np.random.default_rng([seed, index])
    drawn = _draw_scene(rng, size, narrowest)
    faces = [_seen(rng, drawn.picture, drawn.points, drawn.ring)]
    for view in range(1, count):
        rng = np.random.default_rng([seed, index, 2, view])
        faces.append(_seen(rng, *_moved(rng, drawn, narrowest)))
    return faces


def _draw_scene(rng: Generator, size: int, narrowest: float) -> _Scene:
    rows, columns = _frame(rng, size)
    shape, style = draw_shape(rng), draw_style(rng)
    height = relief(shape)
    pose = _place(rng, rows, columns, narrowest)
    picture = scene.background(rng, rows, columns)
    scene.draw_body(rng, picture, shape, pose, style)
    scene.hair_behind(rng, picture, shape, pose, style)
    light = pose.rotation.T @ _light(rng)
    view = look(height, pose, (rows, columns))
    if view is not None:
        _lay(picture, paint_face(rng, shape, style, height, light.astype(np.float32)), view)
    points = landmarks(shape, height)
    _accessories(rng, picture, shape, pose, style, float(points[0, 2]))
    ring = pose.project(outline(shape))
    if rng.random() < 0.3:
        scene.companion(rng, picture, ring)
    return _Scene(picture, pose.project(points), ring, pose)


def _seen(rng: Generator, picture: Picture, points: Floats, ring: Floats) -> SyntheticFace:
    low, high = ring.min(0), ring.max(0)
    return SyntheticFace(scene.camera(rng, picture), points, np.concatenate((low, high - low)))


def _moved(rng: Generator, drawn: _Scene, narrowest: float) -> tuple[Picture, Floats, Floats]:
    """The scene elsewhere in the frame: a similarity, mirrored or not, and the points with it."""
    rows, columns = drawn.picture.shape[:2]
    target = _place(rng, rows, columns, narrowest)
    # not much smaller: there is nothing to see beyond the scene's edge
    scale = float(np.clip(target.scale / drawn.pose.scale, 0.85, 2.5))
    scale = min(scale, WIDEST * columns / FACE_WIDTH / drawn.pose.scale)
    angle = np.radians(rng.normal(0, 8))
    turn = scale * np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    mirrored = rng.random() < 0.5
    if mirrored:
        turn[:, 0] *= -1
    middle = drawn.points.mean(0)
    width = FACE_WIDTH * scale * drawn.pose.scale
    margin = np.minimum(np.array((0.5, 0.62)) * width, (columns / 2, rows / 2))
    centre = margin + rng.random((2, 2)).mean(0) * ((columns, rows) - 2 * margin)
    shift = centre - turn @ middle
    matrix = np.column_stack((turn, shift))
    picture = cv2.warpAffine(drawn.picture, matrix, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
    points, ring = ((part @ turn.T + shift).astype(np.float32) for part in (drawn.points, drawn.ring))
    return picture, points[[1, 0, 2, 4, 3]] if mirrored else points, ring  # type: ignore[return-value]


def _frame(rng: Generator, size: int) -> tuple[int, int]:
    """Rows and columns: half of the pictures are square."""
    kind = rng.random()
    if kind < 0.5:
        return size, size
    short = round(size * rng.uniform(0.7, 1))
    return (size, short) if kind < 0.85 else (short, size)


def _place(rng: Generator, rows: int, columns: int, narrowest: float = NARROWEST) -> Pose:
    """Where the face lies: its middle half within the picture, the middle of it more often."""
    width = rng.uniform(narrowest, WIDEST) * columns
    unit = width / FACE_WIDTH
    margin = np.minimum(np.array((0.5, 0.62)) * width, np.array((columns, rows)) / 2 - 1)
    centre = margin + rng.random((2, 2)).mean(0) * ((columns, rows) - 2 * margin)
    turned = draw_rotation(rng)
    # the middle of the face, a little below the eyes and in front of the head's middle
    middle = turned[:2] @ np.array((0, 0.45, 0.9), np.float32)
    return Pose(turned, unit, (centre - unit * middle).astype(np.float32))


def _light(rng: Generator) -> Floats:
    """A direction towards the light, a unit vector: from the viewer's side, mostly from above."""
    if rng.random() < 0.4:  # a flash
        direction = rng.normal((0, -0.2, 1.5), (0.2, 0.2, 0.2))
    else:
        direction = rng.normal((0, -0.35, 1.0), (0.75, 0.45, 0.35))
    direction[2] = max(direction[2], 0.15)
    return np.asarray(direction / np.linalg.norm(direction), np.float32)


def _lay(picture: Picture, atlas: Picture, view: View) -> None:
    rows, columns = view.cover.shape
    part = picture[view.top : view.top + rows, view.left : view.left + columns]
    face = cv2.remap(atlas, view.map_x, view.map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    part[:] = cv2.blendLinear(face, part, view.cover, 1 - view.cover)


def _accessories(
    rng: Generator, picture: Picture, shape: Shape, pose: Pose, style: Style, eye_depth: float
) -> None:
    if rng.random() < 0.2:
        scene.glasses(rng, picture, pose, eye_depth + 0.22)
    if rng.random() < 0.08:
        scene.hat(rng, picture, shape, pose)
    if rng.random() < 0.1:
        scene.hands(rng, picture, shape, pose, style)


def write_faces(
    out: PathLike,
    count: int,
    seed: int = 0,
    size: int = SIZE,
    workers: int | None = None,
    views: int = 1,
    narrowest: float = NARROWEST,
) -> Path:
    """Draw `count` faces into a folder in CelebA's layout, four fifths of them for training.

    Of each face there are `views` pictures (see `draw_views`), all of them in the same part; the test
    part has one of each, so that its pictures do not depend on one another.

    JPEG pictures, `list_landmarks_celeba.txt`, `list_bbox_celeba.txt` and `list_eval_partition.txt`.
    `narrowest` as in `draw_face`. `workers` processes, one a core by default. Returns the folder. The
    lists come last: without them the folder is not finished. Raises ProtofaceError if `count` is not
    positive, or `narrowest` not above 0 and at most WIDEST.
    """
    if count < 1:
        raise ProtofaceError(f"{count} faces: ask for at least one")
    if not 0 < narrowest <= WIDEST:
        raise ProtofaceError(
            f"narrowest is {narrowest:g}; a face is more than 0 and at most {WIDEST:g} wide"
        )
    folder, lines = Path(out), list[tuple[str, ...]]()
    (folder / FOLDERS[-1]).mkdir(parents=True, exist_ok=True)
    work = partial(_write_some, folder=folder, seed=seed, size=size, views=views, narrowest=narrowest)
    for part in _drawn(work, chunks(range(count), 32), cores(workers), count):
        lines += part
    names = ("lefteye", "righteye", "nose", "leftmouth", "rightmouth")
    columns = " ".join(f"{name}_{axis}" for name in names for axis in "xy")
    landmark_lines, box_lines, partition_lines = zip(*lines, strict=True)
    write_text(folder / LANDMARKS, "\n".join([str(len(lines)), columns, *landmark_lines, ""]))
    columns = "image_id x_1 y_1 width height"
    write_text(folder / BOXES, "\n".join([str(len(lines)), columns, *box_lines, ""]))
    write_text(folder / PARTITION, "\n".join([*partition_lines, ""]))
    return folder


def _drawn(
    work: partial[list[tuple[str, ...]]], indices: Iterable[list[int]], workers: int, count: int
) -> Iterator[list[tuple[str, ...]]]:
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


def _write_some(
    indices: list[int], folder: Path, seed: int, size: int, views: int, narrowest: float
) -> list[tuple[str, ...]]:
    """Lines for the three lists, of some faces."""
    return [
        line for index in indices for line in _write_one(index, folder, seed, size, views, narrowest)
    ]


def _write_one(
    index: int, folder: Path, seed: int, size: int, views: int, narrowest: float
) -> Iterator[tuple[str, ...]]:
    part = 0 if np.random.default_rng([seed, index, 1]).random() <= TRAIN_SHARE else 2
    for view, face in enumerate(draw_views(seed, index, 1 if part else views, size, narrowest)):
        name = f"{index:06d}_{view}.jpg" if view else f"{index:06d}.jpg"
        if not cv2.imwrite(str(folder / FOLDERS[-1] / name), face.image):
            raise ProtofaceError(f"{folder / FOLDERS[-1] / name}: cannot be written")
        rows, columns = face.image.shape[:2]
        # a nose may stand out of the picture; labels lie inside, as those of photographs do
        points = np.clip(face.points, 0, (columns - 1, rows - 1))
        numbers = (" ".join(f"{value:.2f}" for value in array.ravel()) for array in (points, face.box))
        yield (*(f"{name} {text}" for text in numbers), f"{name} {part}")
