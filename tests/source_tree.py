"""The project's source files by module name, for the tests that hold its house in order."""

import ast
from collections.abc import Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: `package/` is `import protoface` itself, the others are packages in it.
FOLDERS = ("prototxt", "converters", "cascade", "eval", "trainers", "package")


def module_name(path: Path) -> str:
    """`cascade/windows/__init__.py` is protoface.cascade.windows, `package/cli.py` is protoface.cli."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(["protoface", *(parts[1:] if parts[0] == "package" else parts)])


@cache
def modules() -> dict[str, Path]:
    """Every source file by the name of its module."""
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return {module_name(path): path for path in files}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def statements(tree: ast.AST, with_types: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """All import statements; those under `if TYPE_CHECKING:` only `with_types`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif with_types or not is_type_checking(node):
            yield from statements(node, with_types)


def targets(module: str, path: Path, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """The modules that a statement imports, ours and others."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    base = resolve_name("." * node.level + (node.module or ""), package)
    for alias in node.names:
        inner = f"{base}.{alias.name}"
        yield inner if inner in modules() else exported(base).get(alias.name, base)


@cache
def exported(package: str) -> dict[str, str]:
    """Name -> module, of what a package's `__init__` exports lazily (`exporting`)."""
    path = modules().get(package)
    if path is None or path.name != "__init__.py":
        return {}
    calls = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
    tables = [ast.literal_eval(call.args[1]) for call in calls if ast.unparse(call.func) == "exporting"]
    return {
        name: resolve_name(module, package)
        for table in tables
        for module, names in table.items()
        for name in names
    }
