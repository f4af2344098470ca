"""The journal of a long job."""

import os
import subprocess
import sys

import pytest

from protoface.converters.errors import OutputError, ProtofaceError
from protoface.converters.journal import Journal


def test_records_are_there_at_once_and_later(tmp_path):
    path = tmp_path / "deep" / "journal"
    with Journal(path, {"size": 48}, "begin anew") as journal:
        for record in (1, ["ü"], {"a": None}):
            journal.add(record)
            assert path.read_text("utf-8").count("\n") == journal_length(journal) + 1
    with Journal(path, {"size": 48}, "begin anew") as journal:
        assert list(journal.records()) == [1, ["ü"], {"a": None}]
        journal.cut(1)
        journal.add(2)
        assert list(journal.records()) == [1, 2]


def journal_length(journal: Journal) -> int:
    return len(list(journal.records()))


def test_a_job_that_asks_for_something_else_is_refused(tmp_path):
    path = tmp_path / "journal"
    Journal(path, {"size": 48}, "").__exit__(None, None, None)
    with pytest.raises(ProtofaceError, match=r'begun with {"size": 48}, now given is .*64.*; do so'):
        Journal(path, {"size": 64}, "do so")


def test_a_line_that_was_cut_short_is_dropped(tmp_path):
    path = tmp_path / "journal"
    with Journal(path, {}, "") as journal:
        journal.add("one")
        journal.add("two")
    for cut, left in ((1, ["one"]), (4, ["one"]), (7, []), (50, [])):
        with path.open("rb+") as file:
            file.truncate(max(1, os.path.getsize(path) - cut))
        with Journal(path, {}, "") as journal:
            assert list(journal.records()) == left
            journal.add("two")
            if not left:
                journal.cut(0)
                journal.add("one")
                journal.add("two")


FULL = """
import resource, signal, sys
from pathlib import Path
from protoface.converters.journal import Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))
with Journal(Path(sys.argv[1]), {}, "") as journal:
    while True:
        journal.add("something")
"""


def test_no_room_is_said_and_what_is_there_stays(tmp_path):
    path = tmp_path / "journal"
    done = subprocess.run([sys.executable, "-c", FULL, path], capture_output=True, text=True)
    assert done.stderr.strip().endswith("journal: cannot be written: File too large")
    with Journal(path, {}, "") as journal:
        assert list(journal.records()) == ["something"] * 3


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file/journal: cannot be written: "):
        Journal(tmp_path / "file" / "journal", {}, "")
