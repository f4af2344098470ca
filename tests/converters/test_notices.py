"""Notices of weights: once a day, and what the package logs."""

import logging
import os
import time

import pytest

from protoface.converters.notices import logged_lines, notify, say_notices

LOG = logging.getLogger("protoface.somewhere")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "protoface"


def test_a_notice_comes_once_a_day(cache, caplog):
    for _ in range(2):
        notify("for tests")
    notify("another")
    assert caplog.messages == ["for tests", "another"]
    for marker in cache.iterdir():
        os.utime(marker, (0, time.time() - 86_400))
    notify("for tests")
    assert caplog.messages[2:] == ["for tests"]


def test_a_command_says_it_when_it_is_done(capsys):
    for expected in ("protoface: for \\x1b tests\n", ""):
        with logged_lines():
            notify("for \x1b tests")
            assert capsys.readouterr().err == ""
            say_notices()
        assert capsys.readouterr().err == expected


def test_a_command_that_fails_says_none_and_the_next_does(capsys):
    with logged_lines():
        notify("for tests")
    with logged_lines():
        notify("for tests")
        say_notices()
    assert capsys.readouterr().err.count("for tests") == 1


def test_a_notice_comes_each_time_where_nothing_can_be_kept(cache, caplog):
    cache.write_text("a file where the folder should be")
    notify("for tests")
    notify("for tests")
    assert caplog.messages == ["for tests"] * 2


def test_warnings_are_lines_on_standard_error(capsys):
    with logged_lines():
        LOG.warning("taken over %s", "\x07")
        LOG.info("too quiet")
    assert capsys.readouterr() == ("", "protoface: taken over \\x07\n")
