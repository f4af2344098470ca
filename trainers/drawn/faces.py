"""Drawn faces with exact points: a picture for each seed and index, in any number.

A head in 3-D (`head`) is painted and lit (`paint`), turned, and put into a scene (`scene`). Everything
is drawn at random; no photograph is needed or used. Its points are those of a layout (`markup`); the
pixels are the same for each layout.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import cv2
import numpy as np

from protoface.cascade.layouts import DEFAULT, find_layout

from ..defaults import SIZE
from . import scene
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
    outline,
    relief,
    view_from,
)
from .markup import Head, check_layout, mark
from .paint import Style, draw_style, paint_face

#: Width of a face, of its hair and ears less, in parts of the picture's width.
NARROWEST, WIDEST = 0.25, 0.6
FACE_WIDTH = 2.35  # of a mean face, in eye distances


@dataclass(frozen=True, eq=False)
class SyntheticFace:
    """A picture, H x W x 3 uint8 BGR, with one face.

    `points` (n, 2) float32 are pixels (x, y) in the order of a layout; those that are hidden keep their
    place. `box` (4,) float32 is x, y, width, height of the face from hairline to chin.
    """

    image: Picture
    points: Floats
    box: Floats


@dataclass(frozen=True, eq=False)
class _Scene:
    """A drawn picture before a camera has seen it.

    In pixels: the points of a layout, the face's outline (n, 2), the mean of celeba5's points (2,).
    """

    picture: Picture
    points: Floats
    ring: Floats
    middle: Floats
    pose: Pose
    flip: tuple[int, ...]


def draw_face(
    seed: int, index: int, size: int = SIZE, narrowest: float = NARROWEST, layout: str = DEFAULT
) -> SyntheticFace:
    """The `index`-th face of a seed (both 0 or more); the same pixels every time, in any order.

    `size` is the picture's longer side in pixels, `narrowest` the least width of a face in parts of the
    picture's, at most WIDEST. `layout` says which points: one of `markup.MARKUPS`. Raises
    ProtofaceError for another one.
    """
    return draw_views(seed, index, 1, size, narrowest, layout)[0]


def draw_views(
    seed: int,
    index: int,
    count: int,
    size: int = SIZE,
    narrowest: float = NARROWEST,
    layout: str = DEFAULT,
) -> list[SyntheticFace]:
    """`count` pictures of the face that `draw_face` draws, its own first.

    The others are mirrored, turned, moved and scaled, by another camera. They cost a fifth of a new
    face and teach a net where a face may lie.
    """
    check_layout(layout)
    rng = np.random.default_rng([seed, index])
    drawn = _draw_scene(rng, size, narrowest, layout)
    faces = [_seen(rng, drawn.picture, drawn.points, drawn.ring)]
    for view in range(1, count):
        rng = np.random.default_rng([seed, index, 2, view])
        faces.append(_seen(rng, *_moved(rng, drawn, narrowest)))
    return faces


def _draw_scene(rng: Generator, size: int, narrowest: float, layout: str) -> _Scene:
    rows, columns = _frame(rng, size)
    shape, style = draw_shape(rng), draw_style(rng)
    height = relief(shape)
    pose = _place(rng, rows, columns, narrowest)
    picture = scene.background(rng, rows, columns)
    scene.draw_body(rng, picture, shape, pose, style)
    scene.hair_behind(rng, picture, shape, pose, style)
    light = (pose.rotation.T @ _light(rng)).astype(np.float32)
    view = view_from(height, pose, (rows, columns))
    # a head of less than two pixels is not seen and takes no chance from what follows
    atlas, features = paint_face(rng if view else deepcopy(rng), shape, style, height, light)
    if view is not None:
        _lay(picture, atlas, view)
    five = landmarks(shape, height)
    _accessories(rng, picture, shape, pose, style, float(five[0, 2]))
    ring = pose.project(outline(shape))
    if rng.random() < 0.3:
        scene.companion(rng, picture, ring)
    points = mark(Head(shape, height, pose, features), layout)
    middle = pose.project(five).mean(0)
    return _Scene(picture, points, ring, middle, pose, find_layout(layout).flip)


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
    width = FACE_WIDTH * scale * drawn.pose.scale
    margin = np.minimum(np.array((0.5, 0.62)) * width, (columns / 2, rows / 2))
    centre = margin + rng.random((2, 2)).mean(0) * ((columns, rows) - 2 * margin)
    shift = centre - turn @ drawn.middle
    matrix = np.column_stack((turn, shift))
    picture = cv2.warpAffine(drawn.picture, matrix, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
    points, ring = ((part @ turn.T + shift).astype(np.float32) for part in (drawn.points, drawn.ring))
    return picture, points[list(drawn.flip)] if mirrored else points, ring  # type: ignore[return-value]


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
