"""The view of a heat map: where points are in what the net sees."""

import cv2
import numpy as np
import pytest

from protoface.cascade import MODES, cascade_pb2
from protoface.cascade.face import Candidate
from protoface.cascade.layouts import find_layout
from protoface.cascade.views.heatmap import HeatmapView, seen_points
from protoface.cascade.windows.sampling import resample
from protoface.cascade.windows.window import NOTHING, Window, centred
from protoface.converters import ProtofaceError
from protoface.converters.prototxt import parse_message

LAYOUT = find_layout("celeba5")
POINTS = np.array([(40, 30), (80, 32), (60, 50), (45, 70), (75, 72)], np.float32)
WHOLE = Window(0, 0, 112, 112)


def view(text: str = "size: 112") -> HeatmapView:
    parameter = parse_message(text, cascade_pb2.HeatmapView(), "text")
    return HeatmapView(parameter, LAYOUT, MODES["clean"], "stage 's'")


def shown(a_view: HeatmapView, window: Window, points=POINTS) -> np.ndarray:
    candidate = Candidate(0, (112, 112), points=points)
    return a_view.show([np.zeros((112, 112, 3), np.uint8)], [window], [candidate])[0, 0]


def test_one_on_a_point_and_half_a_pixel_away():
    seen = shown(view(), WHOLE)
    assert seen.shape == (112, 112)
    for x, y in POINTS.astype(int):
        assert seen[y, x] == 1
        assert seen[y, x + 1] == seen[y - 1, x] == 0.5
    assert seen[100, 10] == 0


@pytest.mark.parametrize("angle", [0, 25, -110])
def test_it_lies_where_the_pixels_do(angle):
    """The picture has a white dot: through the window it is where the heat map is 1."""
    window, dot = centred(58, 48, 90, angle), np.array([(63.0, 41.0)] * 5, np.float32)
    image = np.zeros((112, 112, 3), np.uint8)
    cv2.circle(image, (63, 41), 2, (255, 255, 255), -1)
    pixels = resample(image, window, 112, 112, cv2.INTER_LINEAR)[..., 0].astype(float)
    rows, columns = np.indices(pixels.shape)
    centre = [(pixels * axis).sum() / pixels.sum() for axis in (columns, rows)]
    seen = shown(view(), window, dot)
    row, column = np.unravel_index(seen.argmax(), seen.shape)
    np.testing.assert_allclose((column, row), centre, atol=0.6)
    np.testing.assert_allclose(seen_points(dot[:1], window, 112, 112)[0], centre, atol=0.1)


def test_every_candidate_has_its_own_and_nothing_where_nothing_is_seen():
    a_view = view("size: 40 size: 50 half_size: 4")
    windows = [WHOLE, NOTHING, centred(50, 50, 60, 10)]
    candidates = [Candidate(0, (112, 112), points=POINTS + number) for number in range(3)]
    images = [np.zeros((112, 112, 3), np.uint8)] * 3
    seen = a_view.show(images, windows, candidates)
    assert seen.shape == (3, 1, 40, 50)
    assert not seen[1].any()
    for index in (0, 2):
        alone = a_view.show(images[:1], [windows[index]], [candidates[index]])
        np.testing.assert_array_equal(seen[index], alone[0])


def test_mirrored():
    """Of whole pixels; squares of others are not mirrored exactly."""
    a_view, flipped = view("size: 112 half_size: 0"), POINTS[list(LAYOUT.flip)].copy()
    flipped[:, 0] = 111 - flipped[:, 0]
    seen = shown(a_view, WHOLE)[None, None]
    np.testing.assert_allclose(a_view.mirrored(seen)[0, 0], shown(a_view, WHOLE, flipped), atol=1e-6)


def test_it_lies_in_the_first_view_s_window():
    windows = [WHOLE, NOTHING]
    assert view().windows_beside([], [windows, [NOTHING, NOTHING]]) is windows
    with pytest.raises(ProtofaceError, match="cannot be the first view"):
        view().windows([])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "one or two values of size"),
        ("size: 0", "1 to 4096 pixels"),
        ("size: [20, 5000]", "1 to 4096 pixels"),
        ("size: 16", "squares of half_size 8 do not fit"),
    ],
)
def test_bad_options(text, message):
    with pytest.raises(ProtofaceError, match=f"stage 's': .*{message}"):
        view(text)
