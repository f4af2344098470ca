"""The levels of a picture: their sizes by hand, and facenet-pytorch's."""

import pytest

from protoface.cascade import MODES, cascade_pb2
from protoface.cascade.windows.levels import Level, make_levels
from protoface.converters import ProtofaceError
from protoface.converters.prototxt import parse_message


def levels(text: str, mode: str = "clean"):
    parameter = parse_message(text, cascade_pb2.PictureWindow(), "text")
    return make_levels(parameter, MODES[mode].level)


def sizes(text, size, mode="clean"):
    return [level[:2] for level in levels(text, mode).of(size)]


def facenets(height, width, least, factor):
    """Sizes of levels as detect_face of facenet-pytorch computes them."""
    scale = 12.0 / least
    shorter, found = min(height, width) * scale, []
    while shorter >= 12:
        found.append((int(height * scale + 1), int(width * scale + 1)))
        scale, shorter = scale * factor, shorter * factor
    return found


@pytest.mark.parametrize(("least", "factor"), [(20, 0.709), (10, 0.7), (40, 0.709), (15, 0.5)])
@pytest.mark.parametrize("size", [(480, 640), (1080, 1920), (1000, 1000), (12, 300), (33, 34)])
def test_faithful_mode_has_facenets_levels(least, factor, size):
    text = f"least_face: {least} factor: {factor}"
    assert sizes(text, size, "faithful") == facenets(*size, least, factor)


def test_a_usual_pyramid_has_ten_levels():
    found = levels("least_face: 20 factor: 0.709", "faithful").of((480, 640))
    assert len(found) == 10
    assert found[0] == Level(289, 385, 0.6, 0.6, 289, 385)


def test_one_level():
    assert sizes("least_face: 24", (480, 640)) == [(240, 320)]
    assert sizes("longest: 320", (480, 640)) == [(240, 320)]
    assert sizes("longest: 320", (240, 200)) == [(240, 200)]  # never enlarged
    assert sizes("least_face: 6", (48, 64)) == [(96, 128)]
    assert sizes("longest: 320 least_face: 24", (4800, 6400)) == [(2400, 3200)]
    assert sizes("multiple: 4", (48, 64)) == [(48, 64)]


def test_inputs_are_filled_to_multiples():
    assert levels("multiple: 32").of((100, 64)) == [Level(100, 64, 1, 1, 128, 64)]


def test_the_scales_of_clean_mode_are_those_of_the_level():
    (level,) = levels("longest: 100").of((333, 1000))
    assert level == Level(33, 100, 0.1, 33 / 333, 33, 100)


@pytest.mark.parametrize("mode", ["clean", "faithful"])
def test_a_picture_smaller_than_a_cell_has_none(mode):
    assert sizes("least_face: 20 factor: 0.7", (19, 500), mode) == []
    assert sizes("least_face: 20", (19, 500), mode) == []


def test_no_field_no_levels():
    assert levels("") is None


def test_it_looks_for_other_faces():
    rule = levels("longest: 320")
    rule.look_for(24)
    assert rule.of((480, 640))[0][:2] == (240, 320)
    with pytest.raises(ProtofaceError, match="least_face is 0.5, it must be 1 pixel or more"):
        rule.look_for(0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cell: 0", "cell is 0, it must be 1 to 4096 pixels"),
        ("multiple: 0", "multiple is 0, it must be 1 to 4096 pixels"),
        ("longest: 11", "longest is 11, less than a cell of 12 pixels"),
        ("least_face: 0", "least_face is 0, it must be 1 pixel or more"),
        ("least_face: nan", "least_face is nan, it must be 1 pixel or more"),
        ("factor: 0", "factor is 0, it must be above 0 and below 1"),
        ("factor: 1", "factor is 1, it must be above 0 and below 1"),
        ("factor: 0.999", "factor 0.999 makes more than 100 levels of a picture of 640 x 480 pixels"),
    ],
)
def test_what_makes_no_levels_is_named(text, message):
    with pytest.raises(ProtofaceError, match=f"^{message}"):
        levels(text)


def test_an_input_that_would_take_all_memory_is_refused():
    with pytest.raises(
        ProtofaceError, match="a picture of 4000 x 3000 pixels becomes an input of 48000 x"
    ):
        levels("least_face: 1").of((3000, 4000))
