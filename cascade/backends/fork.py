"""Whether this process was forked: then runtimes' threads, and a GPU, belong to its parent alone."""

from __future__ import annotations

import os

_FORKED: list[bool] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _FORKED.append(True))


def forked() -> bool:
    """Whether this process was forked from one that had imported this module."""
    return bool(_FORKED)
