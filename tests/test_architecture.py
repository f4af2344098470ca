"""docs/architecture.md: its pictures show the real imports, and what its texts name is there."""

import ast
import re

import pytest

from .source_tree import FOLDERS, ROOT, modules, parsed
from .test_imports import SCRIPTS, imports

TEXT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
PICTURES = re.findall(r"```mermaid\n(.*?)```", TEXT, re.DOTALL)
NODE = re.compile(r'^ *(\w+)\["', re.MULTILINE)
ARROW = re.compile(r"^ *(\w+) --> (\w+)$", re.MULTILINE)
#: `cascade/results.py`: `json_lines`, `csv_lines`
NAMED = re.compile(r"`([\w/]+\.py)`:\s+((?:`\w+`(?:,|,?\s+or|,?\s+and)?\s*)+)")


def room(module, inside):
    """The folder of a module's file, relative to the folder `inside`; "" for a file outside of it.

    Of folders in folders it is the outer one.
    """
    folder = modules()[module].relative_to(ROOT).parent.parts
    return folder[len(inside)] if folder[: len(inside)] == inside and folder != inside else ""


def rooms(*inside):
    return {room(module, inside) for module in modules()} - {""}


def arrows(*inside):
    """(importing, imported) folders in the folder `inside`."""
    pairs = {
        (room(module, inside), room(other, inside))
        for module, others in imports().items()
        if module not in SCRIPTS
        for other in others
    }
    return {(a, b) for a, b in pairs if a and b and a != b}


@pytest.mark.parametrize(
    ("picture", "inside"),
    [(PICTURES[0], ()), (PICTURES[1], ("cascade",)), (PICTURES[2], ("trainers",))],
)
def test_the_pictures_show_the_real_imports(picture, inside):
    assert set(NODE.findall(picture)) == rooms(*inside)
    drawn = ARROW.findall(picture)
    assert len(drawn) == len(set(drawn)) == picture.count("-->")
    assert set(drawn) == arrows(*inside)


def test_there_is_no_other_picture():
    assert len(PICTURES) == 3


def defined(file):
    return {node.name for node in ast.walk(parsed(ROOT / file)) if isinstance(node, ast.FunctionDef)}


def test_the_functions_that_it_names_are_there():
    named = [
        (file, name) for file, names in NAMED.findall(TEXT) for name in re.findall(r"\w+(?=`)", names)
    ]
    assert len(named) > 30
    assert ("cascade/views/pixels.py", "make_input") in named
    assert [(file, name) for file, name in named if name not in defined(file)] == []


def test_the_files_and_folders_that_it_names_are_there():
    named = re.findall(rf"`((?:tests|docs|{'|'.join(FOLDERS)})/[\w/.-]*)`", TEXT)
    assert len(named) > 40
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_an_arrow_is_an_import():
    assert ("eval", "cascade") in arrows()
    assert ("cascade", "eval") not in arrows()
    assert arrows("eval") == {("commands", "datasets")}
