"""The files of an annotated set: an output must be none of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def set_files(folder: Path) -> Iterator[Path]:
    """Lists, points and pictures of an annotated set; results that lie beside them do not count."""
    results = (".json", ".html")
    return (path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() not in results)
