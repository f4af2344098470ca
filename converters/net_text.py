"""A net in protobuf text: of any age, with layers of forks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from google.protobuf import text_format

from . import caffe_pb2
from .errors import ProtofaceError
from .layers import layer_types
from .limits import TOKEN, check_finite, check_layers, check_nesting
from .prototxt import parse_message, read_text
from .upgrade import upgrade


def read_net(path: str | os.PathLike[str]) -> caffe_pb2.NetParameter:
    """The net in a .prototxt file, upgraded to today's fields (V1 layers, `input_dim` headers).

    A layer of an unknown type, a fork's for one, loses the fields that are unknown too, so that it can
    be listed, left out by its phase, or refused by its own name. Raises ProtofaceError naming the file
    and the line.
    """
    text, source = read_text(path), os.fspath(path)
    check_nesting(text, source)
    try:
        net = parse_message(text, caffe_pb2.NetParameter(), source)
    except ProtofaceError:
        net = _with_unknown_layers(text, source)
    check_finite(net, text, source)
    check_layers(net, source)
    net = upgrade(net, source)
    if not net.layer:
        raise ProtofaceError(f"{path}: the net has no layers")
    return net


def _with_unknown_layers(text: str, source: str) -> caffe_pb2.NetParameter:
    """The same net read message by message, and those of unknown layers without their own fields."""
    net, start, before = caffe_pb2.NetParameter(), 0, 0
    for end in [*_ends(text), len(text)]:
        part = text[start:end]
        try:
            net.MergeFrom(parse_message(part, caffe_pb2.NetParameter(), source, before))
        except ProtofaceError:
            layers = _lenient(part)
            if not layers or layers[-1].type in ("", *layer_types()):
                raise
            net.layer.extend(layers)
        start, before = end, before + part.count("\n")
    return net


def _ends(text: str) -> Iterator[int]:
    """Where the messages of a text end that are not inside another."""
    depth = 0
    for found in TOKEN.finditer(text):
        depth += {"{": 1, "<": 1, "}": -1, ">": -1}.get(found.group(), 0)
        if depth == 0 and found.group() in "}>":
            yield found.end()


def _lenient(text: str) -> Sequence[caffe_pb2.LayerParameter]:
    """The layers of a text without their unknown fields; none if anything else is wrong with it."""
    try:
        return text_format.Parse(text, caffe_pb2.NetParameter(), allow_unknown_field=True).layer
    except text_format.ParseError:
        return []
