"""The records of a long job."""

import subprocess
import sys

import pytest

from protoface.converters.errors import OutputError, ProtofaceError
from protoface.converters.records import Records


def test_records_are_there_at_once_and_later(tmp_path):
    path = tmp_path / "deep" / "records"
    records = Records(path, {"size": 48}, "", "begin anew")
    for number, record in enumerate((1, ["ü"], {"a": None}), 1):
        records.add(record)
        assert len(list(Records(path, {"size": 48}, "", "").records())) == number
    assert list(records.records()) == [1, ["ü"], {"a": None}]
    records.keep([1])
    records.add(2)
    assert list(Records(path, {"size": 48}, "", "").records()) == [1, 2]


def test_a_job_that_asks_for_something_else_is_refused(tmp_path):
    path = tmp_path / "records"
    Records(path, {"size": 48}, "", "")
    with pytest.raises(
        ProtofaceError, match=r'it was begun with {"size": 48}, now given is .*64.*; do so'
    ):
        Records(path, {"size": 64}, "it", "do so")
    assert path.read_text() == '{"size": 48}\n'


def test_a_line_that_was_cut_short_is_dropped(tmp_path):
    path = tmp_path / "records"
    records = Records(path, {}, "", "")
    records.add("one")
    records.add("two")
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        left = list(Records(path, {}, "", "").records())
        assert left == ["one", "two"][: max(0, whole[:length].count(b"\n") - 1)]
        records.add("more")
        assert list(records.records()) == [*left, "more"]


def test_what_cannot_be_read_is_dropped_wherever_it_stands(tmp_path):
    path = tmp_path / "records"
    path.write_bytes(b'{}\n"one"\n{"half\n\xff\n"two"\n')
    assert list(Records(path, {}, "", "").records()) == ["one", "two"]
    assert path.read_bytes() == b'{}\n"one"\n"two"\n'


FULL = """
import resource, signal, sys
from pathlib import Path
from protoface.converters.records import Records
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))
records = Records(Path(sys.argv[1]), {}, "", "")
while True:
    records.add("something")
"""


def test_no_room_is_said_and_what_is_there_stays(tmp_path):
    path = tmp_path / "records"
    done = subprocess.run([sys.executable, "-c", FULL, path], capture_output=True, text=True)
    assert done.stderr.strip().endswith("records: cannot be written: File too large")
    assert list(Records(path, {}, "", "").records()) == ["something"] * 3


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file/records: cannot be written: "):
        Records(tmp_path / "file" / "records", {}, "", "")
