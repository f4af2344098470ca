"""The view of pixels: what a net is fed, and what it would be fed of a mirrored picture."""

import cv2
import numpy as np
import pytest

from protoface.cascade import MODES, Window, cascade_pb2
from protoface.cascade.face import Candidate
from protoface.cascade.layouts import find_layout
from protoface.cascade.views.pixels import PixelsView
from protoface.cascade.windows.window import NOTHING, centred, picture_window
from protoface.converters import ProtofaceError
from protoface.converters.prototxt import parse_message

LAYOUT = find_layout("celeba5")
SHAPE = """shape { x: -0.4 y: -0.4 } shape { x: 0.4 y: -0.4 } shape { x: 0 y: 0 }
           shape { x: -0.3 y: 0.4 } shape { x: 0.3 y: 0.4 }"""
POINTS = np.array([(40, 30), (80, 32), (60, 50), (45, 70), (75, 72)], np.float32)


def view(preprocess: str, window: str = "picture {}", mode: str = "clean") -> PixelsView:
    text = f"window {{ {window} }} preprocess {{ {preprocess} }}"
    parameter = parse_message(text, cascade_pb2.PixelsView(), "text")
    return PixelsView(parameter, LAYOUT, MODES[mode], "stage 's'")


@pytest.fixture
def image() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (15, 20, 3), np.uint8)
    return cv2.resize(noise, (100, 75), interpolation=cv2.INTER_CUBIC)


def test_colour_order_mean_and_scale_reach_the_net():
    image = np.full((30, 30, 3), (1, 2, 3), np.uint8)  # blue 1, green 2, red 3
    window = picture_window((30, 30))
    rgb = view("color_order: RGB mean: [10, 20, 30] scale: 0.5 size: 8").make_input([image], [window])
    np.testing.assert_allclose(rgb[0, :, 0, 0], [(3 - 10) / 2, (2 - 20) / 2, (1 - 30) / 2])
    bgr = view("mean: [10, 20, 30] scale: 0.5 size: 8").make_input([image], [window])
    np.testing.assert_allclose(bgr[0, :, 0, 0], [(1 - 10) / 2, (2 - 20) / 2, (3 - 30) / 2])
    plain = view("size: 8").make_input([image], [window])
    np.testing.assert_array_equal(plain[0, :, 0, 0], [1, 2, 3])
    one = view("mean: 100 size: 8").make_input([image], [window])
    np.testing.assert_array_equal(one[0, :, 0, 0], [-99, -98, -97])
    assert rgb.dtype == np.float32


@pytest.mark.parametrize("mode", ["clean", "faithful"])
@pytest.mark.parametrize(
    ("name", "flag"),
    [("LINEAR", cv2.INTER_LINEAR), ("NEAREST", cv2.INTER_NEAREST), ("CUBIC", cv2.INTER_CUBIC)],
)
def test_it_is_what_its_mode_resamples(mode, name, flag, image):
    """Height and width may differ; every window is a row of the batch."""
    windows = [Window(0, 0, 100, 75), Window(10, 20, 33, 44)]
    seen = view(f"size: 12 size: 16 interpolation: {name} mean: 7", mode=mode).make_input(
        [image] * 2, windows
    )
    assert seen.shape == (2, 3, 12, 16)
    for batch, window in zip(seen, windows, strict=True):
        expected = MODES[mode].resample(image, window, 12, 16, flag)
        np.testing.assert_allclose(batch, expected.transpose(2, 0, 1).astype(np.float32) - 7, atol=1e-4)


def test_area_shrinks_by_means(image):
    seen = view("size: 18 size: 25 interpolation: AREA").make_input([image], [Window(0, 0, 100, 72)])
    means = image[:72].reshape(18, 4, 25, 4, 3).mean((1, 3)).transpose(2, 0, 1)
    np.testing.assert_allclose(seen[0], means, atol=1.1)  # rounded after each halving


def test_an_empty_window_is_black(image):
    """As pixels are: the mean is taken off and it is scaled, too."""
    a_view = view("mean: 100 scale: 0.5 size: 8")
    seen = a_view.make_input([image, image], [NOTHING, Window(0, 0, 50, 50)])
    assert (seen[0] == -50).all()
    assert np.ptp(seen[1]) > 0


def test_patches_are_three_channels_each_in_the_order_of_the_points(image):
    a_view = view("size: 8 mean: 3", f"similarity {{ {SHAPE} patch: 0.4 }}")
    assert a_view.shape == (15, 8, 8)
    assert a_view.patches == 5
    (window,) = a_view.windows([Candidate(0, (75, 100), points=POINTS)])
    assert len(window.patches) == 5
    seen = a_view.make_input([image] * 2, [window, NOTHING])
    assert seen.shape == (2, 15, 8, 8)
    for number, patch in enumerate(window.patches):
        alone = view("size: 8 mean: 3").make_input([image], [patch])
        np.testing.assert_array_equal(seen[0, 3 * number : 3 * number + 3], alone[0])
    assert (seen[1] == -3).all()


def test_shape_and_needs_are_those_of_its_window():
    plain = view("size: 8 size: 10")
    assert (plain.shape, plain.size, plain.patches) == ((3, 8, 10), (8, 10), 1)
    assert not plain.needs_points
    assert not plain.needs_box
    assert view("size: 8", "box {}").needs_box
    similarity = view("size: 8", f"similarity {{ {SHAPE} }}")
    assert similarity.needs_points
    assert similarity.shape == (3, 8, 8)


def test_windows_are_those_of_its_rule_for_each_candidate():
    candidates = [
        Candidate(0, (75, 100)),
        Candidate(1, (60, 80)),
        Candidate(1, (60, 80), box=np.array([10.0, 5, 30, 20])),
    ]
    assert view("size: 8").windows(candidates) == [
        Window(0, 0, 100, 75),
        Window(0, 0, 80, 60),
        Window(10, 5, 30, 20),
    ]
    with pytest.raises(ProtofaceError, match="give boxes"):
        view("size: 8", "box {}").windows(candidates)


@pytest.mark.parametrize("order", ["BGR", "RGB"])
def test_mirrored_is_what_it_shows_of_a_mirrored_picture(order, image):
    a_view = view(f"size: 10 size: 25 interpolation: NEAREST color_order: {order} mean: [1, 2, 3]")
    whole = picture_window((75, 100))
    seen = a_view.make_input([image, image[:, ::-1]], [whole] * 2)
    # nearest neighbours of an even factor lie off the middle, to one side
    exact = view(f"size: 75 size: 100 color_order: {order} mean: [1, 2, 3]")
    seen = exact.make_input([image, image[:, ::-1].copy()], [whole] * 2)
    np.testing.assert_array_equal(exact.mirrored(seen), seen[::-1])
    assert not np.array_equal(seen[0], seen[1])


def test_patches_of_a_mirrored_picture_are_their_partners(image):
    a_view = view("size: 9", f"similarity {{ {SHAPE} patch: 0.4 }}")
    mirror = POINTS[list(LAYOUT.flip)] * np.float32((-1, 1)) + np.float32((99, 0))
    patches, others = (
        tuple(centred(round(x), round(y), 9) for x, y in points.tolist()) for points in (POINTS, mirror)
    )
    windows = [
        Window(0, 0, 50, 50, 0, patches),
        Window(49, 0, 50, 50, 0, others),
    ]
    seen = a_view.make_input([image, image[:, ::-1].copy()], windows)
    np.testing.assert_array_equal(a_view.mirrored(seen), seen[::-1])


@pytest.mark.parametrize("mirror_twice", ["picture {}", f"similarity {{ {SHAPE} patch: 0.4 }}"])
def test_mirrored_twice_is_itself(mirror_twice):
    a_view = view("size: 5 size: 6", mirror_twice)
    batch = np.random.default_rng(0).normal(size=(3, *a_view.shape)).astype(np.float32)
    assert not np.array_equal(a_view.mirrored(batch), batch)
    np.testing.assert_array_equal(a_view.mirrored(a_view.mirrored(batch)), batch)


@pytest.mark.parametrize(
    ("preprocess", "message"),
    [
        ("", "preprocess needs one or two values of size"),
        ("size: 8 size: 8 size: 8", "preprocess needs one or two values of size"),
        ("size: 8 mean: 1 mean: 2", "mean has 2 values; give one, 3 .one for each channel., or 192"),
        ("size: 8 deviation: [1, 2]", "deviation has 2 values"),
        ("size: 8 deviation: 0", "deviation must be above 0"),
        ("size: 8 color_order: GRAY mean: [1, 2, 3]", "mean has 3 values; give one, 1 "),
    ],
)
def test_what_is_missing_is_named_with_the_stage(preprocess, message):
    with pytest.raises(ProtofaceError, match=f"^stage 's': {message}"):
        view(preprocess)


def test_area_of_faithful_mode_is_the_mean_of_whole_pixels(image):
    """For windows in the picture; torch's own is in tests/cascade/windows/test_area_means.py."""
    seen = view("size: 18 size: 25 interpolation: AREA", mode="faithful").make_input(
        [image], [Window(0, 0, 100, 72)]
    )
    means = image[:72].reshape(18, 4, 25, 4, 3).mean((1, 3)).transpose(2, 0, 1)
    np.testing.assert_allclose(seen[0], means, atol=1e-4)


@pytest.mark.parametrize("mode", ["clean", "faithful"])
@pytest.mark.parametrize("window", ["picture {}", "box {}", "box { square: true border: BLACK }"])
def test_a_box_that_is_given_and_covers_no_pixel_is_refused(mode, window):
    """One that a stage has found shows nothing; it is dropped by who keeps faces."""
    a_view = view("size: 8", window, mode)
    given = Candidate(0, (60, 100), np.array((200.0, 0, 10, 10)))
    with pytest.raises(ProtofaceError, match=r"box \[.*\] covers no pixel of the 100 x 60 picture"):
        a_view.windows([given])
    (window,) = a_view.windows([given.seen(Window(0, 0, 9, 9))])
    assert window.empty


def test_a_level_shows_all_of_the_picture_and_black_behind_it(image):
    a_view = view("interpolation: AREA", "picture { longest: 50 multiple: 32 }")
    assert a_view.shape == (3, 0, 0)
    (level,) = a_view.levels.of(image.shape[:2])
    assert (level.height, level.width) == (64, 64)
    seen = a_view.show_level(image, level)
    assert seen.shape == (64, 64, 3)
    assert (seen[38:] == 0).all()
    assert (seen[:, 50:] == 0).all()
    plain = MODES["clean"].shrink(image, 38, 50, cv2.INTER_AREA)
    np.testing.assert_array_equal(seen[:38, :50], plain)
    assert a_view.fill([seen, seen]).shape == (2, 3, 64, 64)


def test_levels_have_sizes_of_their_own():
    with pytest.raises(ProtofaceError, match="^stage 's': its window has levels, .*; leave out size$"):
        view("size: 8", "picture { longest: 50 }")


@pytest.mark.parametrize(("order", "weights"), [("GRAY", [1 / 3] * 3), ("LUMA", [0.114, 0.587, 0.299])])
def test_gray(order, weights, image):
    """The plain mean of the channels, and luma as OpenCV has it but for its rounding."""
    window = Window(10, 5, 40, 40)
    seen = view(f"color_order: {order} mean: 100 scale: 0.5 size: 12").make_input([image], [window])
    colour = view("size: 12").make_input([image], [window])[0]
    assert seen.shape == (1, 1, 12, 12)
    assert seen.dtype == np.float32
    expected = (np.tensordot(weights, colour, 1) - 100) / 2
    np.testing.assert_allclose(seen[0, 0], expected, atol=1e-4)
    if order == "LUMA":
        pixels = colour.transpose(1, 2, 0).astype(np.uint8)
        np.testing.assert_allclose(
            expected * 2 + 100, cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), atol=0.51
        )


@pytest.mark.parametrize("order", ["RGB", "GRAY"])
def test_pictures_of_means_and_deviations(order, image):
    channels = 1 if order == "GRAY" else 3
    generator = np.random.default_rng(0)
    mean, deviation = generator.uniform(1, 99, (2, channels, 4, 5)).round(2)
    plain = view(f"color_order: {order} size: 4 size: 5").make_input([image], [Window(0, 0, 60, 60)])
    text = f"mean: {mean.ravel().tolist()} deviation: {deviation.ravel().tolist()} scale: 2"
    made = view(f"color_order: {order} size: 4 size: 5 {text}")
    seen = made.make_input([image], [Window(0, 0, 60, 60)])
    np.testing.assert_allclose(seen[0], (plain[0] - mean) / deviation * 2, rtol=1e-4, atol=1e-4)


def test_a_deviation_for_each_channel(image):
    seen = view("size: 4 mean: 5 deviation: [1, 2, 4]").make_input([image], [Window(0, 0, 60, 60)])
    plain = view("size: 4").make_input([image], [Window(0, 0, 60, 60)])
    np.testing.assert_allclose(seen[0], (plain[0] - 5) / np.array([1, 2, 4])[:, None, None], rtol=1e-5)
