"""The journal of a long job: what is noted stays, what a kill cut short is done again."""

import json
from pathlib import Path

import pytest

from protoface.converters import ProtofaceError
from protoface.trainers.sets.journal import Journal

from ...full_disk import limited

SETTINGS = {"size": 48, "data": "celeba"}
FIRST = [("a.jpg", "train", "a.jpg 0.1"), ("ä b.jpg", "bad", "no picture")]
SECOND = [("c.jpg", "val", "c.jpg 0.2")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out" / "journal.jsonl"


@pytest.fixture
def written(path: Path) -> Path:
    journal = Journal(path, SETTINGS)
    journal.add(FIRST)
    journal.add(SECOND)
    return path


def test_what_is_noted_comes_back_in_order(written):
    journal = Journal(written, SETTINGS)
    assert journal.done == {"a.jpg", "ä b.jpg", "c.jpg"}
    assert list(journal.entries()) == [*FIRST, *SECOND]


def test_an_entry_is_on_disk_before_add_returns(path):
    journal = Journal(path, SETTINGS)
    assert journal.done == set()
    journal.add(SECOND)
    head, line = path.read_text("utf-8").splitlines()
    assert json.loads(head) == SETTINGS
    assert [tuple(entry) for entry in json.loads(line)] == SECOND
    assert journal.done == {"c.jpg"}


def test_a_line_cut_anywhere_is_done_again(written):
    """Cut inside the last line: nothing of it is kept, and the file goes on behind the line before."""
    content = written.read_bytes()
    start = content.rindex(b"[[")
    for cut in range(start, len(content)):
        written.write_bytes(content[:cut])
        journal = Journal(written, SETTINGS)
        assert journal.done == {name for name, _, _ in FIRST}
        journal.add(SECOND)
        assert written.read_bytes() == content


def test_a_head_cut_short_begins_anew(written):
    written.write_bytes(written.read_bytes()[:5])
    journal = Journal(written, SETTINGS)
    assert journal.done == set()
    assert list(journal.entries()) == []


def test_the_order_of_settings_does_not_matter(written):
    journal = Journal(written, dict(reversed(SETTINGS.items())))
    assert len(journal.done) == 3


def test_another_job_is_refused_and_loses_nothing(written):
    content = written.read_bytes()
    with pytest.raises(
        ProtofaceError, match=r'journal.jsonl: .*begun with .*"size": 48.*now .*"size": 24'
    ):
        Journal(written, {**SETTINGS, "size": 24})
    assert written.read_bytes() == content


def test_what_two_jobs_noted_counts_once(written):
    """Both began at the same time: two heads, all lines twice, one of them inside another."""
    head, first, second = written.read_bytes().splitlines(keepends=True)
    torn = first[:20] + second
    written.write_bytes(head + head + first + torn + first + second + second + b"[1, 2]\n" + b"\xff\n")
    journal = Journal(written, SETTINGS)
    assert journal.done == {"a.jpg", "ä b.jpg", "c.jpg"}
    assert list(journal.entries()) == [*FIRST, *SECOND]
    assert written.read_bytes() == head + first + second


def test_a_line_with_old_and_new_names_keeps_the_new_ones(written):
    with written.open("ab") as file:
        file.write(json.dumps([*SECOND, ("d.jpg", "val", "d.jpg 1")]).encode() + b"\n")
    journal = Journal(written, SETTINGS)
    assert list(journal.entries()) == [*FIRST, *SECOND, ("d.jpg", "val", "d.jpg 1")]


def test_entries_in_the_order_that_is_asked_for(written):
    order = ["c.jpg", "elsewhere.jpg", "a.jpg"]
    journal = Journal(written, SETTINGS)
    assert list(journal.entries(order)) == [*SECOND, FIRST[0]]


def test_a_full_disk_tears_nothing(written):
    content = written.read_bytes()
    journal = Journal(written, SETTINGS)
    with (
        limited(len(content) + 10),
        pytest.raises(ProtofaceError, match=r"journal.jsonl: cannot be written: File too large"),
    ):
        journal.add([("d.jpg", "val", "x" * 100)])
    assert "d.jpg" not in journal.done
    assert written.read_bytes() == content
