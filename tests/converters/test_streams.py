"""Which paths are no regular files, and writing to them."""

import os

import pytest

from protoface.converters.streams import descriptor, is_stdout, is_stream, opened, opened_text


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/dev/stdout", 1),
        ("/dev/stderr", 2),
        ("/dev/fd/7", 7),
        ("/proc/self/fd/12", 12),
        ("/dev/null", None),
    ],
)
def test_paths_of_open_files(path, number, tmp_path):
    (tmp_path / "link").symlink_to(path)
    assert descriptor(path) == descriptor(tmp_path / "link") == number
    assert is_stream(path)
    assert is_stdout(path) == (number == 1)


def test_what_is_a_stream(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to("circle")
    for path, stream in (("-", True), (tmp_path / "pipe", True), (tmp_path / "file", False)):
        assert is_stream(path) == stream
    assert not any(is_stream(tmp_path / name) for name in (".", "new", "circle"))
    assert is_stdout("-")


def test_standard_output_stays_open(capfdbinary):
    for _ in range(2):
        with opened("-") as file:
            file.write(b"raw ")
        with opened_text("-") as text:
            text.write("ü\n")
    print("after", flush=True)
    assert capfdbinary.readouterr().out == "raw ü\nraw ü\nafter\n".encode()


def test_a_given_descriptor_stays_open():
    source, sink = os.pipe()
    for _ in range(2):
        with opened(f"/dev/fd/{sink}") as file:
            file.write(b"x")
    assert os.read(source, 9) == b"xx"
    os.close(source)
    os.close(sink)
