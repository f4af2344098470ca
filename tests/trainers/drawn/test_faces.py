"""Drawn faces: always the same, exact, as various as photographs, fast."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade.lists import read_list
from protoface.cli import protoface, run
from protoface.converters import ProtofaceError
from protoface.eval.datasets.dataset import read_dataset
from protoface.trainers.drawn import faces as synthetic
from protoface.trainers.drawn.faces import draw_face, write_faces
from protoface.trainers.drawn.head import (
    FRONT,
    Pose,
    draw_shape,
    landmarks,
    lift,
    look,
    relief,
    rotation,
)


def upright(points: np.ndarray) -> np.ndarray:
    """Points (n, 5, 2) with the eyes at (-1/2, 0) and (1/2, 0)."""
    complex_points = points[..., 0] + 1j * points[..., 1]
    left, right = complex_points[:, :1], complex_points[:, 1:2]
    turned = (complex_points - (left + right) / 2) / (right - left)
    return np.stack((turned.real, turned.imag), -1)


def test_the_same_face_in_any_order() -> None:
    first = [draw_face(3, index) for index in (0, 5)]
    again = [draw_face(3, index) for index in (5, 0)][::-1]
    for one, other in zip(first, again, strict=True):
        assert one.image.tobytes() == other.image.tobytes()
        assert np.array_equal(one.points, other.points)
        assert np.array_equal(one.box, other.box)
    assert draw_face(4, 0).image.tobytes() != first[0].image.tobytes()


def test_shapes_and_types() -> None:
    for index in range(30):
        face = draw_face(0, index, 160)
        assert face.image.dtype == np.uint8
        assert max(face.image.shape[:2]) == 160
        assert (face.points.dtype, face.points.shape) == (np.float32, (5, 2))
        assert (face.box.dtype, face.box.shape) == (np.float32, (4,))
        inside = (face.points - face.box[:2]) / face.box[2:]
        assert (inside[:, 1] > 0.1).all()  # the box goes from hairline to chin
        assert (inside[:, 1] < 0.95).all()
        assert -0.2 < inside[:, 0].mean() < 1.2  # a face in profile looks out of it


def test_points_lie_where_a_ray_hits_their_place_on_the_map() -> None:
    """Two ways to the same pixel: points projected forward, rays cast backward."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        shape = draw_shape(rng)
        height = relief(shape)
        turned = rotation(*rng.uniform((-25, -15, -30), (25, 15, 30)).tolist())
        pose = Pose(turned, 60.0, np.array((128, 128), np.float32))
        view = look(height, pose, (256, 256))
        assert view is not None
        cheek = lift(height, np.array([(-0.25, 0.75), (0.3, -0.7), (0, 1.4)], np.float32))
        for x, y in pose.project(cheek):
            u, v = (
                float(
                    cv2.getRectSubPix(part, (1, 1), (float(x) - view.left, float(y) - view.top))[0, 0]
                )
                for part in (view.map_x, view.map_y)
            )
            found = np.array((u, v))
            expected = synthetic_pixels(cheek, pose, (x, y))
            # the rays are two or three pixels apart; 42 pixels of the map are an eye distance
            assert np.abs(found - expected).max() < 4


def synthetic_pixels(points: np.ndarray, pose: Pose, pixel: tuple[float, float]) -> np.ndarray:
    from protoface.trainers.drawn.head import atlas_pixels

    nearest = np.abs(pose.project(points) - pixel).sum(1).argmin()
    return atlas_pixels(points[nearest, :2])


def test_the_nose_is_in_front() -> None:
    shape = draw_shape(np.random.default_rng(0))
    points = landmarks(shape, relief(shape))
    assert points[2, 2] == points[:, 2].max()
    assert points[:, 2].max() < FRONT


def test_turning_moves_the_nose_the_right_way() -> None:
    shape = draw_shape(np.random.default_rng(1))
    points = landmarks(shape, relief(shape))

    def nose(yaw: float, pitch: float) -> np.ndarray:
        seen = Pose(rotation(yaw, pitch, 0), 1.0, np.zeros(2, np.float32)).project(points)
        return seen[2] - seen[:2].mean(0)

    assert nose(30, 0)[0] > 0.15 > -0.15 > nose(-30, 0)[0]
    assert nose(0, 20)[1] > nose(0, 0)[1] > nose(0, -20)[1]


def test_faces_vary_as_photographs_do() -> None:
    """Means and spreads of 5,256 labelled photographs (the training part of net7876)."""
    points = np.stack([_points(index) for index in range(1500)])
    place = upright(points)
    mean, spread = place.mean(0), place.std(0)
    np.testing.assert_allclose(mean[2:], [(-0.013, 0.624), (-0.438, 1.092), (0.43, 1.094)], atol=0.05)
    real = np.array([(0.215, 0.133), (0.115, 0.164), (0.118, 0.163)])
    assert (spread[2:] > 0.75 * real).all(), spread
    assert (spread[2:] < 1.6 * real).all(), spread
    frontal = place[np.abs(place[:, 2, 0]) < 0.05]
    low, middle, high = np.percentile(frontal[:, 2, 1], (10, 50, 90))
    np.testing.assert_allclose((low, middle, high), (0.453, 0.607, 0.733), atol=0.06)


def _points(index: int) -> np.ndarray:
    rng = np.random.default_rng([11, index])
    shape = draw_shape(rng)
    return synthetic._place(rng, 256, 256).project(landmarks(shape, relief(shape)))


def test_width_and_place() -> None:
    faces = [draw_face(2, index) for index in range(200)]
    centres = np.array([f.points.mean(0) / f.image.shape[1::-1] for f in faces])
    assert (centres > 0).all()
    assert (centres < 1).all()
    assert (centres.std(0) > 0.08).all()  # not centred
    widths = np.array([f.box[2] / f.image.shape[1] for f in faces])
    assert np.percentile(widths, 3) > 0.17  # a turned face is narrower than 25 %
    assert np.percentile(widths, 97) < 0.65


def test_a_folder_in_celeba_s_layout(tmp_path: Path) -> None:
    command = [
        "synthesize",
        "--out",
        str(tmp_path / "a"),
        "--count",
        "70",
        "--seed",
        "5",
        "--size",
        "64",
    ]
    assert run(protoface, command) == 0
    write_faces(tmp_path / "b", 70, 5, 64, workers=1)
    for name in ("list_landmarks_celeba.txt", "list_bbox_celeba.txt", "list_eval_partition.txt"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    whole = read_dataset(tmp_path / "a")
    assert len(whole) == 70
    assert whole.boxes is not None
    assert not whole.skipped
    parts = [len(read_dataset(tmp_path / "a", part)) for part in ("train", "test")]
    assert sum(parts) == 70
    assert 40 < parts[0] < 68
    face = draw_face(5, 9, 64)
    rows, columns = face.image.shape[:2]
    listed = read_list(tmp_path / "a" / "list_landmarks_celeba.txt", 10)["000009.jpg"].reshape(5, 2)
    np.testing.assert_allclose(listed, np.clip(face.points, 0, (columns - 1, rows - 1)), atol=0.0051)
    written = cv2.imread(str(tmp_path / "a" / "images" / "000009.jpg"))
    assert np.abs(written.astype(int) - face.image).mean() < 4  # JPEG


def test_no_faces(tmp_path: Path) -> None:
    with pytest.raises(ProtofaceError, match="0 faces"):
        write_faces(tmp_path, 0)


@pytest.mark.benchmark
def test_speed() -> None:
    """300 faces a second and core are aimed at; a third of it is for a busy machine."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    for index in range(20):
        draw_face(1, index)
    begun = time.process_time()
    for index in range(200):
        draw_face(2, index)
    cv2.setNumThreads(threads)
    assert 200 / (time.process_time() - begun) > 100
