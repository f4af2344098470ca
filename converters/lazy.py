"""Names of a package whose modules are imported when they are asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def exporting(
    package: str, modules: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` for a package: `modules` says which of them has which names.

    A module is named as in an import statement, `.graph` or `protoface.cascade.face`.
    Source: SPEC 1 of Scientific Python, as scikit-image follows it.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def find(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name], package), name)

    def listed() -> list[str]:
        return sorted({*homes, *vars(sys.modules[package])})

    return find, listed
