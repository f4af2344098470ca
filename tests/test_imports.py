"""The law of imports: no circles, none that climbs; and names and lengths of what there is.

All imports count, those inside of functions too, and those under `if TYPE_CHECKING:` as well: two
modules that name each other's types cannot be read one after the other. The one exception is an
`__init__`, which repeats there what it exports lazily; but `from protoface.converters import convert`
counts as an import of the module that `convert` lives in.
"""

import ast
import configparser
import statistics
import sys
from collections import Counter
from functools import cache
from importlib.metadata import packages_distributions

import pytest

from .source_tree import ROOT, modules, parsed, statements, targets

#: A folder may import its own floor and those below.
FLOORS = {"prototxt": 0, "converters": 0, "cascade": 1, "eval": 2, "trainers": 3, "package": 4}
#: A script that users run, which starts the command line: of the top floor, though it lies in cascade/.
SCRIPTS = {"protoface.cascade.bench": "package"}
#: Function bodies, in lines without signature and docstring.
LONGEST, MEDIAN = 40, 6


@cache
def imports() -> dict[str, set[str]]:
    """For each module those of ours that it imports."""
    found = {}
    for module, path in modules().items():
        nodes = statements(parsed(path), with_types=path.name != "__init__.py")
        wanted = {target for node in nodes for target in targets(module, path, node)}
        found[module] = wanted & modules().keys() - {module}
    return found


def circles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """Groups of modules that import each other, directly or around a corner (Tarjan 1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found = set()

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        path.append(module)
        for other in graph[module]:
            if other not in order:
                visit(other)
            if other in path:
                lowest[module] = min(lowest[module], lowest[other])
        if lowest[module] == order[module]:
            group = frozenset(path[path.index(module) :])
            del path[path.index(module) :]
            if len(group) > 1:
                found.add(group)

    for module in graph:
        if module not in order:
            visit(module)
    return found


def floor(module: str) -> int:
    second = module.split(".")[1] if "." in module else ""
    return FLOORS[SCRIPTS.get(module, second if second in FLOORS else "package")]


def folder(module: str) -> str:
    """`protoface.cascade.windows.box` is in cascade.windows; "" for a file beside the folders."""
    path = modules()[module].parent.relative_to(ROOT).parts
    return ".".join(path) if len(path) > 1 else ""


def climbing(graph: dict[str, set[str]]) -> set[tuple[str, str]]:
    return {
        (module, other)
        for module, others in graph.items()
        for other in others
        if floor(other) > floor(module)
    }


def test_no_circle_of_modules():
    assert circles(imports()) == set()


def test_no_import_climbs():
    assert climbing(imports()) == set()


def test_no_circle_of_folders():
    """Folders inside of the five; files beside them belong to what those share."""
    graph: dict[str, set[str]] = {}
    for module, others in imports().items():
        inside = graph.setdefault(folder(module), set())
        inside |= {folder(other) for other in others} - {folder(module)}
    del graph[""]
    assert circles({name: others - {""} for name, others in graph.items()}) == set()


def test_a_circle_and_a_climb_are_found():
    graph = {"protoface.eval.a": {"protoface.eval.b"}, "protoface.eval.b": {"protoface.eval.c"}}
    graph["protoface.eval.c"] = {"protoface.eval.a", "protoface.trainers.d"}
    graph["protoface.trainers.d"] = {"protoface.eval.a"}
    assert circles(graph) == {frozenset(graph)}
    assert climbing(graph) == {("protoface.eval.c", "protoface.trainers.d")}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import protoface.eval.evaluation", "protoface.eval.evaluation"),
        ("from protoface.cascade import cascade_pb2", "protoface.cascade.cascade_pb2"),
        ("from . import cascade_pb2", "protoface.cascade.cascade_pb2"),
        ("from ..converters.files import replacing", "protoface.converters.files"),
        ("from protoface.converters import convert", "protoface.converters.conversion"),
        ("def f():\n    from .lists import read_list", "protoface.cascade.lists"),
        ("if TYPE_CHECKING:\n    from .lists import read_list", "protoface.cascade.lists"),
    ],
)
def test_imports_of_every_kind_are_read(source, found):
    path = ROOT / "cascade" / "pictures.py"
    (node,) = statements(ast.parse(source), with_types=True)
    assert list(targets("protoface.cascade.pictures", path, node)) == [found]


def test_setup_lists_the_folders():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options"]["package_dir"].strip().splitlines()
    listed = dict(line.split(" = ") for line in lines)
    folders = {
        module: path.parent.relative_to(ROOT).as_posix()
        for module, path in modules().items()
        if path.name == "__init__.py"
    }
    assert listed == folders
    assert sorted(setup["options"]["packages"].split()) == sorted(folders)
    without = {path.parent for path in modules().values()} - {ROOT / name for name in folders.values()}
    assert without == set(), "folders without an __init__.py"


def test_no_two_files_share_a_name():
    """But those whose names are not ours to choose: verbs, the types of Caffe's layers, the script."""
    free = {ROOT / "converters" / "layers", ROOT / "cascade" / "bench.py"}
    files = [
        path
        for path in modules().values()
        if path.parent.name != "commands" and not free & {path, path.parent}
    ]
    names = Counter(path.stem for path in files if path.stem not in ("__init__", "__main__"))
    assert [name for name, count in names.items() if count > 1] == []


def test_no_two_verbs_share_a_file_name():
    files = [path for path in modules().values() if path.parent.name == "commands"]
    names = Counter(path.stem for path in files if path.stem != "__init__")
    assert [name for name, count in names.items() if count > 1] == []


def test_nothing_in_cascade_hides_a_library():
    """`python cascade/bench.py` puts that folder first on the path."""
    hidden = {*sys.stdlib_module_names, *packages_distributions()}
    inside = {path.stem if path.suffix == ".py" else path.name for path in (ROOT / "cascade").iterdir()}
    assert inside & hidden == set()


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return 1 + (function.end_lineno or 0) - body[0].lineno if body else 0


def test_functions_are_short(record_property):
    lengths = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": body_length(node)
        for path in modules().values()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    median = statistics.median(lengths.values())
    record_property("median", median)
    print(f"{len(lengths)} functions, median {median} lines")
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
    assert median <= MEDIAN


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("def f(): return 1", 1),
        ("def f(a,\n  b):\n '''Doc.'''\n return (\n  1)", 2),
        ("def f():\n '''D.'''", 0),
    ],
)
def test_a_body_is_counted_without_signature_and_docstring(source, lines):
    assert body_length(ast.parse(source).body[0]) == lines
