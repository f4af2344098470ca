"""The head: points that are projected forward lie where rays hit; the nose is in front."""

import cv2
import numpy as np

from protoface.trainers.drawn.head import (
    FRONT,
    YS,
    Pose,
    atlas_pixels,
    draw_shape,
    half_widths,
    landmarks,
    lift,
    relief,
    rotation,
    view_from,
)


def test_points_lie_where_a_ray_hits_their_place_on_the_map() -> None:
    """Two ways to the same pixel: points projected forward, rays cast backward."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        shape = draw_shape(rng)
        height = relief(shape)
        turned = rotation(*rng.uniform((-25, -15, -30), (25, 15, 30)).tolist())
        pose = Pose(turned, 60.0, np.array((128, 128), np.float32))
        view = view_from(height, pose, (256, 256))
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
            expected = map_pixels(cheek, pose, (x, y))
            # the rays are two or three pixels apart; 42 pixels of the map are an eye distance
            assert np.abs(found - expected).max() < 4


def map_pixels(points: np.ndarray, pose: Pose, pixel: tuple[float, float]) -> np.ndarray:
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


def test_heads_narrow_towards_the_chin():
    shape = draw_shape(np.random.default_rng(2))
    widths = half_widths(shape, YS)
    assert (widths[YS < 0.25] == np.float32(shape.half_width)).all()
    assert (np.diff(widths) <= 0).all()
    np.testing.assert_allclose(widths[-1], shape.half_width * (1 - shape.jaw), rtol=1e-6)


def test_the_five_points_lie_on_the_surface():
    shape = draw_shape(np.random.default_rng(3))
    height = relief(shape)
    points = landmarks(shape, height)
    np.testing.assert_array_equal(lift(height, points[:, :2]), points)
