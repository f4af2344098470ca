"""Files that appear whole or not at all."""

import errno
import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import FileIO

import pytest

from protoface.converters import ProtofaceError
from protoface.converters.files import (
    check_readable,
    read_bytes,
    refuse_inputs,
    replacing,
    write_all,
    write_text,
    writing,
)

from ..full_disk import limited


def test_the_file_takes_the_old_ones_place(tmp_path):
    path = tmp_path / "deep" / "a.b.txt"
    for text in ("one", "zwei ü"):
        write_text(path, text)
        assert path.read_text("utf-8") == text
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.onnx"
    path.write_text("old")

    def fail():
        with replacing(path) as temporary:
            assert (temporary.parent, temporary.suffix) == (tmp_path, ".onnx")
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_what_is_written(tmp_path):
    mask = os.umask(0o022)
    try:
        write_text(tmp_path / "a", "x")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


def test_reading(tmp_path):
    (tmp_path / "a").write_bytes(b"\x00x")
    (tmp_path / "empty").touch()
    assert read_bytes(tmp_path / "a") == b"\x00x"
    wrong = {"none": "No such file", "empty": "the file is empty", ".": "directory", "\0": "null byte"}
    for name, message in wrong.items():
        for read in (read_bytes, check_readable):
            with pytest.raises(ProtofaceError, match=message):
                read(tmp_path / name)


def test_a_file_that_is_read_is_not_written(tmp_path):
    """By another name, a symbolic and a hard link too; what is not there yet may be written."""
    read, other = tmp_path / "read", tmp_path / "other"
    read.write_text("x")
    other.write_text("x")
    (tmp_path / "symbolic").symlink_to(read)
    (tmp_path / "hard").hardlink_to(read)
    for name in ("read", "symbolic", "hard", f"../{tmp_path.name}/read"):
        with pytest.raises(ProtofaceError, match=f"{name}: is read, so it cannot be written"):
            refuse_inputs([other, tmp_path / name], [read])
    refuse_inputs([other, tmp_path / "new"], [read, tmp_path / "gone"])


def test_a_link_stays_a_link(tmp_path):
    """What it leads to is replaced, by way of several links and into other folders."""
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "file").write_text("old")
    (tmp_path / "second").symlink_to("far/file")
    (tmp_path / "first").symlink_to(tmp_path / "second")
    write_text(tmp_path / "first", "new")
    assert (tmp_path / "far" / "file").read_text() == "new"
    assert (tmp_path / "first").is_symlink()
    assert (tmp_path / "second").is_symlink()
    (tmp_path / "nowhere").symlink_to("far/new")
    write_text(tmp_path / "nowhere", "x")
    assert (tmp_path / "far" / "new").read_text() == "x"


def test_a_pipe_gets_the_content(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(pipe.read_text)
        write_text(pipe, "through")
        assert reading.result() == "through"
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_standard_output_gets_the_content(capfdbinary):
    for name in ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        with replacing(name) as temporary:
            temporary.write_bytes(b"<%s>" % name.encode())
    assert capfdbinary.readouterr().out == b"<-></dev/stdout></dev/fd/1></proc/self/fd/1>"
    assert stat.S_ISLNK(os.lstat("/dev/stdout").st_mode)


def test_a_stream_of_text_gets_each_line_when_it_is_complete(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(pipe.open)
        with writing(pipe) as file:
            file.write("one\n")
            with opening.result() as reading:
                assert reading.readline() == "one\n"


def test_a_file_that_may_not_be_written_keeps_its_content(tmp_path, monkeypatch):
    """Renaming would replace it all the same. Root may write everything, so the answer is made up."""
    path = tmp_path / "file"
    path.write_text("mine")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ProtofaceError, match="file: cannot be written: Permission denied"):
        write_text(path, "x")
    assert path.read_text() == "mine"


def test_the_mode_of_a_file_stays(tmp_path):
    path = tmp_path / "file"
    path.touch(0o600)
    write_text(path, "x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


LEAVE = """
import os, sys
from protoface.converters.files import replacing
with replacing(sys.argv[1]) as path:
    print(path.name, flush=True)
    os.kill(os.getpid(), 9)
"""


def test_the_next_run_clears_what_a_killed_one_left(tmp_path):
    """Nothing else: neither another host's, nor one of a process that lives, nor a user's own file."""
    killed = subprocess.run(
        [sys.executable, "-c", LEAVE, tmp_path / "a.b.json"], capture_output=True, text=True
    )
    left = tmp_path / killed.stdout.strip()
    assert left.is_file()
    others = [".hidden", left.name.replace("@", "@x-"), re.sub(r"\d+@", f"{os.getppid()}@", left.name)]
    for name in others:
        (tmp_path / name).touch()
    again = [sys.executable, "-c", LEAVE.replace("os.kill", "id"), tmp_path / "other"]
    assert subprocess.run(again, capture_output=True).returncode != 0  # id() takes one argument
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


LIMIT = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
from protoface.converters.files import replacing
with replacing(sys.argv[1]) as path:
    try:
        path.write_bytes(bytes(1001))
    except OSError:
        if sys.argv[2] == "library":
            raise RuntimeError("a library has its own words")
        raise
"""


@pytest.mark.parametrize("who", ["system", "library"])
def test_no_room_is_one_line_whoever_says_it(who, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LIMIT, tmp_path / "out", who], capture_output=True, text=True
    )
    last = done.stderr.strip().splitlines()[-1]
    assert last.endswith(f"OutputError: {tmp_path / 'out'}: cannot be written: File too large")
    assert list(tmp_path.iterdir()) == []


def test_an_error_that_is_not_the_disks_stays(tmp_path):
    def fail():
        with replacing(tmp_path / "a"):
            raise FileNotFoundError(2, "No such file or directory", "input")

    with pytest.raises(FileNotFoundError, match="input"):
        fail()


def test_only_regular_files_are_read(tmp_path):
    """A pipe in a folder would keep the job waiting for ever; the user's own is read."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("pipe", "device"):
        for read in (read_bytes, check_readable):
            with pytest.raises(ProtofaceError, match=f"{name}: is not a regular file"):
                read(tmp_path / name)
    source, sink = os.pipe()
    with os.fdopen(sink, "wb") as file:
        file.write(b"given")
    assert read_bytes(f"/dev/fd/{source}") == b"given"
    os.close(source)


def test_every_byte_is_written_or_an_error_comes(tmp_path):
    """A single write takes the part that fits, and says nothing."""
    with FileIO(str(tmp_path / "a"), "w") as file, limited(1000):
        assert file.write(b"x" * 600) + file.write(b"x" * 600) == 1000
        with pytest.raises(OSError, match="File too large") as caught:
            write_all(file, b"y")
    assert caught.value.errno == errno.EFBIG
    assert os.path.getsize(tmp_path / "a") == 1000
