"""Kinds of windows: a new one is a class and a message, and nobody else asks for one by its name."""

import ast
from collections.abc import Sequence

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from protoface.cascade import MODES, Window, cascade_pb2
from protoface.cascade.cascade import Cascade
from protoface.cascade.definition import load_nets, read_definition
from protoface.cascade.device.device_window_kinds import on_device
from protoface.cascade.layouts import find_layout
from protoface.cascade.windows.window_kind import WINDOWS, WindowKind, make_window
from protoface.converters import ProtofaceError

from ...constant_cascade import FIRST, SECOND
from ...source_tree import ROOT, modules, parsed
from .rules import rule

#: The registry's own folder, and where the device teaches itself rules.
OWN = (ROOT / "cascade" / "windows", ROOT / "cascade" / "device" / "device_window_kinds.py")
#: Faithful mode of `crop` writes what the original wrote, whose windows were squares.
THE_ORIGINALS = {("protoface.trainers.sets.crop", "SquareWindow")}

CASCADE = """
name: "new" layout: "celeba5"
stage { name: "first" net: "net.prototxt" weights: "one.caffemodel"
  view { pixels { preprocess { mean: 127.5 size: 8 } window { picture {} } } } }
stage { name: "second" net: "net.prototxt" weights: "two.caffemodel"
  view { pixels { preprocess { mean: 127.5 size: 8 } window { bounds { margin: 0.5 } } } } }
"""


class BoundsWindow(WindowKind):
    """A kind of a test: the box around the points, `margin` times its size wider on every side."""

    needs_points = True

    def __init__(self, parameter, layout, mode):
        super().__init__(parameter, layout, mode)
        if parameter.margin < 0:
            raise ProtofaceError(f"margin is {parameter.margin:g}, it must not be negative")
        self.margin = parameter.margin

    def over(self, size, box, points):
        (left, top), (right, bottom) = points.min(0).tolist(), points.max(0).tolist()
        width, height = right - left + 1, bottom - top + 1
        more = 1 + 2 * self.margin
        return self.mode.box(
            size, left - width * self.margin, top - height * self.margin, width * more, height * more
        )


@pytest.fixture
def bounds_kind(monkeypatch):
    """The kind is known for the length of a test."""
    monkeypatch.setattr(WINDOWS, "_classes", dict(WINDOWS._classes))
    WINDOWS.names()
    return WINDOWS.register("bounds")(BoundsWindow)


@pytest.fixture(scope="module")
def schema():
    """The schema of cascades with one message and one field more, as a new kind would have them."""
    files = descriptor_pb2.FileDescriptorSet.FromString(
        (ROOT / "cascade" / "cascade.desc").read_bytes()
    )
    (file,) = files.file
    message = file.message_type.add(name="BoundsWindow")
    message.field.add(name="margin", number=1, type="TYPE_FLOAT", label="LABEL_OPTIONAL")
    window = next(message for message in file.message_type if message.name == "WindowParameter")
    window.field.add(
        name="bounds", number=99, type="TYPE_MESSAGE", type_name=".protoface.BoundsWindow",
        label="LABEL_OPTIONAL", oneof_index=0,
    )  # fmt: skip
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("protoface.CascadeParameter"))


@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.parametrize("backend", ["opencv", "torch"])
def test_a_new_kind_works_through_the_whole_cascade(backend, mode, folder, bounds_kind, schema):
    definition = text_format.Parse(CASCADE, schema())
    found = Cascade(definition, load_nets(definition, folder), backend, mode)
    assert type(found.stages[1].view.window) is bounds_kind
    (face,) = found.detect(np.zeros((61, 101, 3), np.uint8))
    points = FIRST * (50, 30) + (50, 30)
    size = np.ptp(points, axis=0) + 1
    start = points.min(0) - size / 2
    window = face.windows[1]
    # faithful mode rounds: points, corners
    exact = 1e-4 if mode == "clean" else 1.01
    assert window.tolist() == pytest.approx([*start, *size * 2], abs=exact)
    np.testing.assert_allclose(face.points, MODES[mode].to_picture(SECOND, window), atol=1e-4)


def test_what_a_new_kind_refuses_is_said_of_its_stage(folder, bounds_kind, schema):
    definition = text_format.Parse(CASCADE.replace("margin: 0.5", "margin: -1"), schema())
    with pytest.raises(
        ProtofaceError, match=r"^stage 'second': margin is -1, it must not be negative$"
    ):
        Cascade(definition, load_nets(definition, folder))
    definition.stage[1].view[0].pixels.window.Clear()
    with pytest.raises(
        ProtofaceError,
        match="stage 'second': needs a kind of window: bounds, box, picture, similarity or square",
    ):
        Cascade(definition, load_nets(definition, folder))


def test_a_device_that_does_not_know_it_says_so(bounds_kind, schema):
    pixels = text_format.Parse(CASCADE, schema()).stage[1].view[0].pixels
    kind = make_window(pixels.window, find_layout("celeba5"), MODES["clean"], "s")
    with pytest.raises(ProtofaceError, match="looks through a BoundsWindow"):
        on_device(kind)


def test_without_it_the_name_means_nothing(folder):
    file = folder / "cascade.prototxt"
    file.write_text(CASCADE)
    with pytest.raises(ProtofaceError, match=r'cascade.prototxt: line \d+: .*"bounds"'):
        read_definition(file)
    assert "bounds" not in WINDOWS.names()


@pytest.mark.parametrize("name", WINDOWS.names())
def test_a_kind_that_a_mode_lacks_is_named(name, monkeypatch):
    """Whichever it is: by the registry's name, before the rule itself is looked at."""
    monkeypatch.setattr("protoface.cascade.windows.faithful.LACKS", frozenset({name}))
    with pytest.raises(
        ProtofaceError,
        match=f"^stage 's' looks through a {name} window, which faithful mode .*; use clean mode$",
    ):
        rule(f"{name} {{}}", "faithful")


def test_a_rule_takes_rows_and_columns_not_a_picture():
    """More of a picture no rule may know: the same for one of any content, or for none."""
    points = np.array([(40, 30), (80, 32), (60, 50), (45, 70), (75, 72)], np.float32)
    shape = "".join(f"shape {{ x: {x / 100} y: {y / 100} }}" for x, y in points - 50)
    for text in (
        "picture {}", "box {}", 'square { around: "nose" k: 1 a: "left_eye" b: "nose" }',
        f"similarity {{ {shape} }}",
    ):  # fmt: skip
        assert isinstance(rule(text).over((90, 120), np.array([9.0, 9, 50, 50]), points), Window)


def comparisons(nodes: Sequence[ast.AST]) -> set[str]:
    """Texts that are compared with something, or looked for in it."""
    operands = [
        operand
        for node in nodes
        if isinstance(node, ast.Compare)
        for operand in (node.left, *node.comparators)
    ]
    operands += [case.value for case in nodes if isinstance(case, ast.MatchValue)]
    return {
        text.value
        for operand in operands
        for text in ast.walk(operand)
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
    }


def called(node: ast.AST) -> str:
    """The last name of `a.b.c`."""
    return str(getattr(node, "attr", getattr(node, "id", "")))


def fields(nodes: Sequence[ast.AST]) -> set[str]:
    """Names of what is read of something called `window`: `stage.window.square`, and HasField's."""
    read = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and called(node.value).endswith("window")
    }
    return read | {
        ast.literal_eval(node.args[0])
        for node in nodes
        if isinstance(node, ast.Call)
        and called(node.func) == "HasField"
        and isinstance(node.args[0], ast.Constant)
    }


def imported(nodes: Sequence[ast.AST]) -> set[str]:
    return {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}


def asks_for(tree: ast.AST) -> set[str]:
    """What of a source file asks for the kind of a window: names of kinds or classes, `WhichOneof`."""
    nodes, names = list(ast.walk(tree)), set(WINDOWS.names())
    classes = {kind.__name__ for kind in WINDOWS._classes.values()}
    calls = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return (
        (comparisons(nodes) & names)
        | (fields(nodes) & names)
        | (imported(nodes) & classes)
        | (calls & {"WhichOneof"})
    )


def test_window_kinds_are_named_in_the_registry_alone():
    found = {
        (module, name)
        for module, path in modules().items()
        if not any(path.is_relative_to(own) for own in OWN)
        for name in asks_for(parsed(path))
    }
    # the registries' own question and that for a recipe's task, the box by which eval divides errors
    # and the one that a finder answers, which are no windows, and the class that writes its arguments
    # into its own cascade
    allowed = {
        ("protoface.cascade.kinds", "WhichOneof"),
        ("protoface.trainers.recipe.recipe", "WhichOneof"),
        ("protoface.eval.evaluation", "box"),
        ("protoface.trainers.recipe.finder_options", "box"),
        ("protoface.cascade.mtcnn.detector", "picture"),
    }
    assert found - allowed - THE_ORIGINALS == set()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('if stage.window.WhichOneof("kind") == "square": pass', {"WhichOneof", "square"}),
        ('x = kind in ("box", "picture")', {"box", "picture"}),
        ("k = stage.window.square.k", {"square"}),
        ('if parameter.HasField("similarity"): pass', {"similarity"}),
        ("match kind:\n    case 'similarity': pass", {"similarity"}),
        ("from protoface.cascade.windows.box import BoxWindow", {"BoxWindow"}),
        ("from . import cascade_pb2\nwindow = view.window.over(size, box, None)", set()),
        ('progress(3, "crop", "picture")', set()),
        ("mode.square(size, points, 0, 1, 2, k)", set()),
    ],
)
def test_a_question_for_a_kind_is_found(source, found):
    assert asks_for(ast.parse(source)) == found


def test_the_schema_says_what_the_messages_are():
    """A rule is made of the message that has its name in the oneof."""
    for field in cascade_pb2.WindowParameter.DESCRIPTOR.oneofs_by_name["kind"].fields:
        assert field.message_type.name.lower() == f"{field.name}window"
