"""Python files that docs, comments and docstrings name are there, and so are the verbs."""

import re
from pathlib import Path

from protoface.cli import VERBS

from .source_tree import FOLDERS, ROOT, modules

FILES = [*modules().values(), *(ROOT / "tests").rglob("*.py")]
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
    there = [path.relative_to(ROOT).as_posix() for path in FILES]
    names = ["".join(found) for found in NAMED.findall(text)]
    return [name for name in names if not any(f"/{path}".endswith(f"/{name}") for path in there)]


def test_the_files_that_texts_name_are_there():
    found = {path: lost(path.read_text("utf-8")) for path in TEXTS if path != Path(__file__)}
    assert {path: names for path, names in found.items() if names} == {}


def test_the_verbs_that_texts_show_are_there():
    texts = [path for path in TEXTS if path.suffix in (".md", ".prototxt")]
    found = {path: {*VERB.findall(path.read_text("utf-8"))} - VERBS.keys() for path in texts}
    assert {path: verbs for path, verbs in found.items() if verbs} == {}


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
