"""The views of a stage: the short form and the long one, and what of them does not fit together."""

import pytest

from protoface.cascade import MODES, cascade_pb2
from protoface.cascade.layouts import find_layout
from protoface.cascade.views.pixels import PixelsView
from protoface.cascade.views.view_kind import ViewKind, make_views
from protoface.converters import ProtofaceError
from protoface.converters.prototxt import parse_message

SHORT = "preprocess { mean: 127.5 size: 8 size: 9 } window { box { scale: 2 } }"


def views(text: str, mode: str = "clean") -> list[ViewKind]:
    stage = parse_message(text, cascade_pb2.StageParameter(), "text")
    return make_views(stage, find_layout("celeba5"), MODES[mode], "stage 's'")


def test_the_short_form_is_one_view_of_pixels():
    (short,), (long,) = views(SHORT), views(f"view {{ pixels {{ {SHORT} }} }}")
    for made in (short, long):
        assert isinstance(made, PixelsView)
        assert made.blob == ""
        assert made.shape == (3, 8, 9)
        assert made.mean == [127.5] * 3
        assert made.window.scale == 2


def test_several_views_keep_their_order_and_their_blobs():
    made = views(
        f'view {{ blob: "b" pixels {{ {SHORT} }} }}'
        'view { blob: "a" pixels { window { picture {} } preprocess { size: 4 } } }'
    )
    assert [(view.blob, view.shape) for view in made] == [("b", (3, 8, 9)), ("a", (3, 4, 4))]
    assert [view.needs_box for view in made] == [True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "preprocess needs one or two values of size"),
        ("preprocess { size: 8 }", "needs a kind of window: box, picture, similarity or square"),
        ("view {}", "needs a kind of view: feature, heatmap or pixels"),
        ('view { blob: "a" }', "needs a kind of view: feature, heatmap or pixels"),
        (
            f"view {{ pixels {{ {SHORT} }} }} window {{ picture {{}} }}",
            "has views and a window or preprocess of its own; leave one out",
        ),
        (
            f"view {{ pixels {{ {SHORT} }} }} preprocess {{ size: 8 }}",
            "has views and a window or preprocess of its own; leave one out",
        ),
        (
            f"view {{ pixels {{ {SHORT} }} }} " * 2,
            "several views need the blob of each, all different",
        ),
        (
            f'view {{ blob: "a" pixels {{ {SHORT} }} }} ' * 2,
            "several views need the blob of each, all different",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_the_stage(text, message):
    with pytest.raises(ProtofaceError, match=f"^stage 's': {message}"):
        views(text)


def test_a_window_of_any_view_may_be_one_that_the_mode_lacks():
    text = (
        f'view {{ blob: "a" pixels {{ {SHORT} }} }}'
        'view { blob: "b" pixels { preprocess { size: 8 } window { similarity {} } } }'
    )
    with pytest.raises(
        ProtofaceError, match="^stage 's' looks through a similarity window, which faith"
    ):
        views(text, "faithful")
