"""The targets take their seeds, refuse damage by ProtofaceError; what the fuzzer found stays mended."""

import random

import pytest

from .targets import TARGETS, TEXTS, mutated, run, seeds

#: (target, content, what was wrong)
FOUND = [
    ("onnx", b"\x3a\x06\x0a\x04\x0a\x02\x80x", "names that are no UTF-8 came as bytes: TypeError"),
    ("caffemodel", bytes.fromhex("120012021a0012021a80"), "the same in V1 layers"),
    (
        "prototxt",
        b"layer { name: 'i' type: 'Input' top: 'x' "
        b"input_param { shape { dim: [1, 1, 90000000000, 3] } } }"
        b"layer { name: 'p' type: 'Pooling' bottom: 'x' top: 'y' pooling_param { kernel_size: 3 } }",
        "an array of 335 GB for the windows of a plane",
    ),
    (
        "onnx",
        b'\x08\x08:>\n\x0f\n\x01x\x12\x01y"\x05Split:\x00\x12\x01gZ\x1b\n\x01x\x12\x16\n\x14\x08\n'
        b"\x10\x01\x12\x02\x08\x01\n\x02\x08\x04\n\x02\x08\x06\n\x02\x08\x06b\x0b\n\x01y\x12\x06\n\x04"
        b"\x08\x01\x12\x00B\x04\n\x00\x10\x11",
        "an axis beyond the shape of a Split: IndexError",
    ),
    ("prototxt", b"layer { name: 'c' type: 'Convolution' }", "no bottom and no top: IndexError"),
    (
        "prototxt",
        b"layer { name: 'i' type: 'Input' top: 'x' input_param { shape { } } }"
        b"layer { name: 'l' type: 'ArgMax' bottom: 'x' top: 'y' }",
        "a bottom without any axis: IndexError",
    ),
    (
        "prototxt",
        b"layer { name: 'i' type: 'Input' top: 'x' input_param { shape { } } }"
        b"layer { name: 'l' type: 'DetectionOutput' bottom: 'x' bottom: 'x' bottom: 'x' top: 'y' }",
        "the same there",
    ),
    ("prototxt", b"layer { name: 'a\\nb' type: 'U\\nV' }", "an error of several lines"),
    ("list", b"9" * 5000 + b"\n", "a number of more digits than int() takes: ValueError"),
    ("celeba", "²\n".encode(), "a digit that is no number: ValueError"),
    ("solver", b'net: "t\\000rain.prototxt"', "a null byte in the name of a file: ValueError"),
    ("cascade", b'name: "c" layout: "celeba5" stage { name: "a" net: "t\\000" }', "the same there"),
    (
        "picture",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x0c\x00\x00\x00\t\x08\x00\x00\x00\x00#\xd3\x92\x88"
        b"\x79\x65\x00\x00IEND\xaeB`\x82",
        "an end of a PNG that promises 2 GB, for which OpenCV made room",
    ),
    ("pts", b"version: 1\nn_points:\x1f 68\n{\n}\n", "a space that is none for int(): ValueError"),
]


@pytest.mark.parametrize("target", TARGETS)
def test_seeds(target):
    accepted = [run(target, content) for content in seeds(target)]
    assert any(accepted)


@pytest.mark.parametrize(("target", "content", "wrong"), FOUND)
def test_what_was_found(target, content, wrong):
    assert not run(target, content), wrong


@pytest.mark.parametrize("target", TARGETS)
def test_a_few_mutations(target):
    """Without a fuzzer: bytes changed, cut out, repeated; no error but ProtofaceError."""
    generator = random.Random(target)
    starts, accepted = seeds(target), 0
    for _ in range(300):
        content = bytearray(generator.choice(starts))
        for _ in range(generator.randint(1, 4)):
            place = generator.randrange(len(content) or 1)
            change = generator.choice(["set", "cut", "repeat"])
            if change == "set" and content:
                content[place] = generator.randrange(256)
            elif change == "cut":
                del content[place : place + generator.randint(1, 20)]
            else:
                content[place:place] = content[place : place + generator.randint(1, 20)]
        accepted += run(target, bytes(content))
    assert accepted < 300


@pytest.mark.slow
@pytest.mark.parametrize("target", TEXTS)
def test_whole_messages(target):
    """Messages in messages, and values that no mutation of bytes makes."""
    generator = random.Random(target)
    starts = seeds(target)
    for _ in range(200):
        content = generator.choice(starts)
        for _ in range(generator.randint(1, 3)):
            content = mutated(content, generator)
        run(target, content)
