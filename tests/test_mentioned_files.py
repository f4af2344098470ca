"""Python files that docs, comments and docstrings name are there, and so are the verbs."""

import importlib
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from protoface.cli import VERBS

from .source_tree import FOLDERS, ROOT, modules

FILES = [
    *modules().values(),
    *(path for name in ("tests", "docs") for path in (ROOT / name).rglob("*.py")),
]
THERE = [f"/{path.relative_to(ROOT).as_posix()}" for path in FILES]
TEXTS = [
    *FILES,
    *(path for name in ("docs", *FOLDERS) for path in (ROOT / name).rglob("*.md")),
    *ROOT.glob("*.md"),
    *(path for name in FOLDERS for path in (ROOT / name).rglob("*.proto*")),
]
#: In backticks any file, else one with its folder.
NAMED = re.compile(
    rf"`((?:[\w.-]+/)*\w+\.py)\b|(?<![\w/`.-])((?:tests|{'|'.join(FOLDERS)})/[\w/]*\.py)"
)
VERB = re.compile(r"^(?:#? *|`|.*\$ )protoface ([a-z]\w*)", re.MULTILINE)


def lost(text):
    """Files that `text` names and that are not in the tree."""
    names = ["".join(found) for found in NAMED.findall(text)]
    return [name for name in names if not any(path.endswith(f"/{name}") for path in THERE)]


def test_the_files_that_texts_name_are_there():
    found = {path: lost(path.read_text("utf-8")) for path in TEXTS if path != Path(__file__)}
    assert {path: names for path, names in found.items() if names} == {}


def test_the_verbs_that_texts_show_are_there():
    texts = [path for path in TEXTS if path.suffix in (".md", ".prototxt")]
    found = {path: {*VERB.findall(path.read_text("utf-8"))} - VERBS.keys() for path in texts}
    assert {path: verbs for path, verbs in found.items() if verbs} == {}


@pytest.mark.parametrize("path", [p for p in TEXTS if p.suffix == ".md"], ids=lambda path: path.name)
def test_what_docs_import_is_there(path):
    for line in re.findall(r"^from (protoface[\w.]*) import ([\w, ]+)", path.read_text("utf-8"), re.M):
        module, names = importlib.import_module(line[0]), line[1].split(",")
        for name in map(str.strip, names):
            assert hasattr(module, name) or find_spec(f"{line[0]}.{name}"), f"{line[0]} has no {name}"


def test_a_lost_file_is_found():
    assert lost("see `registry.py` and tests/converters/nothing.py, not `layer.py` or a/b.py") == [
        "registry.py",
        "tests/converters/nothing.py",
    ]
    assert VERB.findall("protoface training\n`protoface convert x`\n# protoface test\n") == [
        "training",
        "convert",
        "test",
    ]
