"""Registries: a class under a decorator in a file of the folder is all that a kind takes."""

import sys

import pytest

from protoface.cascade import cascade_pb2
from protoface.cascade.answers.answer_kind import ANSWERS
from protoface.cascade.kinds import Kinds
from protoface.cascade.views.view_kind import VIEWS
from protoface.cascade.windows.window_kind import WINDOWS
from protoface.converters import ProtofaceError

MESSAGES = {
    "window": (WINDOWS, cascade_pb2.WindowParameter),
    "view": (VIEWS, cascade_pb2.ViewParameter),
    "answer": (ANSWERS, cascade_pb2.AnswerParameter),
}
ALL = pytest.mark.parametrize("what", list(MESSAGES))
MODULE = """
from {package} import KINDS

@KINDS.register("{name}")
class Kind:
    pass
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder of two kinds, which nobody imports, with a registry beside them."""
    folder = tmp_path / "some_kinds"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from protoface.cascade.kinds import Kinds\nKINDS = Kinds('window', __name__)\n"
    )
    for name in ("picture", "box"):
        (folder / f"{name}_file.py").write_text(MODULE.format(package="some_kinds", name=name))
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for module in [name for name in sys.modules if name.partition(".")[0] == "some_kinds"]:
        del sys.modules[module]


@ALL
def test_every_kind_of_the_schema_has_its_class_and_no_other(what):
    kinds, message = MESSAGES[what]
    fields = message.DESCRIPTOR.oneofs_by_name["kind"].fields
    assert kinds.names() == sorted(field.name for field in fields)
    for field in fields:
        parameter = message()
        getattr(parameter, field.name).SetInParent()
        name, kind = kinds.find(parameter, "here")
        assert name == field.name
        # named after its message, in a file of its own in the registry's folder
        assert kind.__name__ == field.message_type.name
        assert kind.__module__.rpartition(".")[0] == f"protoface.cascade.{what}s"


@ALL
def test_no_kind_at_all_names_those_that_there_are(what):
    kinds, message = MESSAGES[what]
    *others, last = kinds.names()
    known = f"{', '.join(others)} or {last}" if others else last
    with pytest.raises(ProtofaceError, match=rf"^stage 's': needs a kind of {what}: {known}$"):
        kinds.find(message(), "stage 's'")


def test_a_new_file_is_all_that_a_kind_takes(package):
    from some_kinds import KINDS

    parameter = cascade_pb2.WindowParameter(box=cascade_pb2.BoxWindow())
    name, kind = KINDS.find(parameter, "here")
    assert (name, kind.__module__) == ("box", "some_kinds.box_file")
    assert KINDS.names() == ["box", "picture"]
    # the file is read when a kind is asked for that is not known yet
    (package / "square_file.py").write_text(MODULE.format(package="some_kinds", name="square"))
    square = cascade_pb2.WindowParameter(square=cascade_pb2.SquareWindow())
    assert KINDS.find(square, "here")[1].__module__ == "some_kinds.square_file"
    similarity = cascade_pb2.WindowParameter(similarity=cascade_pb2.SimilarityWindow())
    with pytest.raises(ProtofaceError, match="here: needs a kind of window: box, picture or square$"):
        KINDS.find(similarity, "here")


def test_a_name_belongs_to_one_class():
    kinds: Kinds[object] = Kinds("window", "protoface.cascade.windows")
    kinds.register("ring")(object)
    with pytest.raises(ValueError, match="window 'ring' is registered twice"):
        kinds.register("ring")(int)


def test_the_decorator_leaves_the_class_as_it_is():
    class Ring:
        pass

    kinds: Kinds[Ring] = Kinds("window", "protoface.cascade.windows")
    assert kinds.register("ring")(Ring) is Ring
