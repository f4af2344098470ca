"""A progress bar for verbs that run over many pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def show_progress(indices: Iterable[Any]) -> Iterable[Any]:
    """The same, with a bar on stderr where somebody watches."""
    return tqdm(indices, unit="picture", disable=None, leave=False)
