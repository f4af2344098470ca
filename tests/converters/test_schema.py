"""Descriptor sets as classes in pools of their own."""

import pytest

from protoface.converters.schema import message_classes


def test_messages_and_enum_values_by_name():
    classes = message_classes("protoface.converters", "caffe.desc")
    assert classes["TRAIN"] == 0
    assert classes["NetParameter"](name="n").name == "n"


def test_two_copies_of_one_schema_live_side_by_side():
    one, other = (message_classes("protoface.converters", "caffe.desc") for _ in range(2))
    assert one["NetParameter"] is not other["NetParameter"]
    assert (
        one["NetParameter"].FromString(other["NetParameter"](name="n").SerializeToString()).name == "n"
    )


def test_a_missing_set():
    with pytest.raises(FileNotFoundError):
        message_classes("protoface.converters", "none.desc")
