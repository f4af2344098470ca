"""docs/architecture.md: its pictures show the real imports, and what its texts name is there."""

import ast
import re

import pytest

from .source_tree import FOLDERS, ROOT, modules, parsed
from .test_imports import SCRIPTS, imports

TEXT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
PICTURES = re.findall(r"```mermaid\n(.*?)```", TEXT, re.DOTALL)
NODE = re.compile(r'^ *([\w/]+)\["', re.MULTILINE)
ARROW = re.compile(r"^ *([\w/]+) --> ([\w/]+)$", re.MULTILINE)
#: `cascade/detect.py`: `detect_paths`
NAMED = re.compile(r"`([\w/]+\.py)`:\s+`(\w+)`")


def room(module, parts):
    """The folder of a module's file, to a depth of `parts`; fewer for a file that lies above."""
    folder = modules()[module].relative_to(ROOT).parent.parts
    return "/".join(folder[:parts])


def arrows(parts, inside=""):
    """(importing, imported) folders of so many parts, all in the folder `inside`."""
    found = set()
    for module, others in imports().items():
        if module in SCRIPTS:
            continue
        pairs = {(room(module, parts), room(other, parts)) for other in others}
        found |= {(a, b) for a, b in pairs if a != b}
    inner = f"{inside}/" if inside else ""
    return {(a, b) for a, b in found if a.startswith(inner) and b.startswith(inner)}


def folders_of(inside):
    """The folders of source files that lie directly in `inside`."""
    depth = inside.count("/") + 2
    found = {room(module, depth) for module in modules()}
    return {folder for folder in found if folder.startswith(f"{inside}/")}


@pytest.mark.parametrize(
    ("picture", "folders", "real"),
    [
        (PICTURES[0], set(FOLDERS), arrows(1)),
        (PICTURES[1], folders_of("cascade"), arrows(2, "cascade")),
        (PICTURES[2], folders_of("trainers"), arrows(2, "trainers")),
    ],
    ids=["all", "cascade", "trainers"],
)
def test_the_pictures_show_the_real_imports(picture, folders, real):
    assert set(NODE.findall(picture)) == folders
    drawn = ARROW.findall(picture)
    assert len(drawn) == len(set(drawn)) == picture.count("-->")
    assert set(drawn) == real


def test_there_is_no_other_picture():
    assert len(PICTURES) == 3


def defined(file):
    return {node.name for node in ast.walk(parsed(ROOT / file)) if isinstance(node, ast.FunctionDef)}


def test_the_functions_that_it_names_are_there():
    named = NAMED.findall(TEXT)
    assert len(named) > 25
    assert [(file, name) for file, name in named if name not in defined(file)] == []


def test_the_files_and_folders_that_it_names_are_there():
    named = re.findall(rf"`((?:tests|docs|{'|'.join(FOLDERS)})/[\w/.-]*)`", TEXT)
    assert len(named) > 40
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_an_arrow_is_an_import():
    assert ("eval", "cascade") in arrows(1)
    assert ("cascade", "eval") not in arrows(1)
    assert arrows(2, "eval") >= {("eval/commands", "eval/datasets")}
