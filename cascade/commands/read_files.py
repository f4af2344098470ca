"""The files that verbs read: an output must be none of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..definition import PathLike, find_definition, read_definition, weight_files


def model_files(model: PathLike, weights: Sequence[Path] = (), outside: bool = False) -> Iterator[Path]:
    """A cascade's text, nets, weights and the files that it lists, as far as they are named."""
    path = find_definition(model, outside)
    definition = read_definition(path, outside)
    yield path
    yield from weight_files(definition, path.parent, weights)
    yield from weight_files(definition, path.parent)
    yield from (path.parent / stage.net for stage in definition.stage if stage.net)
    yield from (path.parent / file.path for file in definition.file)


def set_files(folder: Path) -> Iterator[Path]:
    """Lists, points and pictures of an annotated set; results that lie beside them do not count."""
    results = (".json", ".html")
    return (path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() not in results)
