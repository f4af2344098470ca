"""Warnings of the package on a terminal, and notices of weights: said quietly, once a day."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

from .terminal import say

LOG = logging.getLogger("protoface")


class _Waiting:
    """Notices that wait until a command is done; None outside of commands."""

    notices: dict[str, None] | None = None


class _Lines(logging.Handler):
    """Says each record on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        say(f"protoface: {record.getMessage()}", err=True)


@contextmanager
def logged_lines() -> Iterator[None]:
    """Within a command: say what the package logs, a line each, and let notices wait."""
    handler = _Lines(logging.WARNING)
    LOG.addHandler(handler)
    _Waiting.notices = {}
    try:
        yield
    finally:
        LOG.removeHandler(handler)
        _Waiting.notices = None


def notify(notice: str) -> None:
    """Log the notice of weights, unless it was shown today; a command says it when it is done."""
    if _Waiting.notices is not None:
        _Waiting.notices[notice] = None
    elif not _shown_today(notice):
        LOG.warning("%s", notice)
        _mark(notice)


def say_notices() -> None:
    """Say on standard error the notices that waited and were not shown today."""
    for notice in _Waiting.notices or ():
        if not _shown_today(notice):
            say(f"protoface: {notice}", err=True)
            _mark(notice)


def _shown_today(notice: str) -> bool:
    try:
        return date.fromtimestamp(_marker(notice).stat().st_mtime) == date.today()
    except OSError:
        return False


def _mark(notice: str) -> None:
    marker = _marker(notice)
    with suppress(OSError):  # where nothing can be kept the notice comes each time
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()


def _marker(notice: str) -> Path:
    """An empty file of the user's cache: its time says when the notice was shown last."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    name = hashlib.sha256(notice.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return Path(cache) / "protoface" / f"notice-{name}"
