"""Detections that are interrupted and go on."""

import json

import pytest

from protoface.cascade.definition import model_files
from protoface.cascade.results import Seen
from protoface.cascade.resume import ended, fingerprint, resumable
from protoface.converters.errors import ProtofaceError

PICTURES = [
    Seen("a", [{"x": 1}], errors=[]),
    Seen("b", [], errors=[], wrong="no picture"),
    Seen("c", [], errors=[0.25]),
]
VIDEO = [Seen("film", [{"x": 2}], 0), Seen("film", [{"x": 3}], 1)]


def begin(path, records, settings=()):
    """A job that takes some results and is killed."""
    with resumable(path, dict(settings), go_on=False) as job:
        note = job.noting(lambda one: None)
        for one in records:
            note(one)


def replayed(path, settings=()):
    taken = []
    with resumable(path, dict(settings), go_on=True) as job:
        done = job.replay(taken.append)
    return done, [vars(one) for one in taken]


def test_what_was_done_is_told_again(tmp_path):
    path = tmp_path / "out.part"
    begin(path, PICTURES)
    for _ in range(2):  # it may be killed again
        assert replayed(path) == (3, [vars(one) for one in PICTURES])


def test_a_video_counts_when_it_has_ended(tmp_path):
    path = tmp_path / "out.part"
    begin(path, [*PICTURES, *VIDEO])
    assert replayed(path)[0] == 3
    begin(path, [*PICTURES, *VIDEO, ended("film")])
    done, taken = replayed(path)
    assert (done, [one["frame"] for one in taken]) == (4, [None] * 3 + [0, 1])


def test_a_line_that_was_cut_short_is_dropped(tmp_path):
    path = tmp_path / "out.part"
    begin(path, PICTURES)
    whole = path.read_bytes()
    for cut in range(1, len(whole.splitlines()[-1]) + 1):
        path.write_bytes(whole[:-cut])
        assert replayed(path)[0] == 2
    path.write_bytes(whole[:5])  # not even the head is whole
    assert replayed(path)[0] == 0


def test_another_job_does_not_go_on(tmp_path):
    path = tmp_path / "out.part"
    begin(path, PICTURES, {"mode": "clean"})
    with pytest.raises(ProtofaceError, match=r'"clean".*"faithful".*without --resume it begins anew'):
        replayed(path, {"mode": "faithful"})
    begin(path, PICTURES[:1], {"mode": "faithful"})
    assert replayed(path, {"mode": "faithful"})[0] == 1


def test_a_job_alone(tmp_path):
    """The second is refused; a finished one leaves nothing."""
    path = tmp_path / "out.part"
    with resumable(path, {}, go_on=False) as job:
        with pytest.raises(ProtofaceError, match="process .* works here"), resumable(path, {}, True):
            pytest.fail("must not come here")
        job.finish()
    assert list(tmp_path.iterdir()) == []


def test_without_a_journal_nothing_was_done():
    taken = []
    with resumable(None, {}, go_on=False) as job:
        assert job.replay(taken.append) == 0
        job.noting(taken.append)(PICTURES[0])
        job.finish()
    assert taken == PICTURES[:1]


def test_a_fingerprint_tells_models_apart(folder, tmp_path):
    before = fingerprint(model_files(folder))
    assert before == fingerprint(model_files(folder / "cascade.prototxt"))
    one, two = (folder / f"{name}.caffemodel" for name in ("one", "two"))
    others = [fingerprint(model_files(folder, given)) for given in ((two, one), (one, one))]
    (folder / "net.prototxt").write_text((folder / "net.prototxt").read_text() + "\n# another\n")
    assert len({before, *others, fingerprint(model_files(folder))}) == 4


def test_records_are_plain_json(tmp_path):
    path = tmp_path / "out.part"
    begin(path, PICTURES[:1])
    assert json.loads(path.read_text().splitlines()[1])["path"] == "a"
