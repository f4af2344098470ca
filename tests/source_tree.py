"""The project's source files by module name, for the tests that hold its house in order."""

import ast
from functools import cache
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
