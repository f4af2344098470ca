"""What the packages export: complete, and each name's module imported when it is asked for."""

import importlib
import subprocess
import sys
from types import ModuleType

import pytest

from .source_tree import exported, is_type_checking, modules, parsed, statements, targets

PACKAGES = sorted(
    module
    for module, path in modules().items()
    if path.name == "__init__.py" and "__all__ = " in path.read_text("utf-8")
)
LAZY = [module for module in PACKAGES if exported(module)]
#: What a lazy package itself is made of.
TOOLS = {"TYPE_CHECKING", "exporting"}


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def test_the_packages_that_docs_use_are_lazy():
    assert [
        f"protoface{name}" for name in ("", ".cascade", ".converters", ".eval", ".trainers")
    ] == LAZY


def test_every_name_is_found_and_listed(package):
    found = {name: getattr(package, name) for name in package.__all__}
    public = {
        name
        for name in dir(package)
        if name in found or not (name.startswith("_") or isinstance(getattr(package, name), ModuleType))
    }
    assert public - TOOLS == set(found)
    assert not [name for name, value in found.items() if isinstance(value, ModuleType)]


def test_no_name_is_that_of_a_module(package):
    """Importing `protoface.eval.plots` puts the module in the place of such a name."""
    assert not [name for name in package.__all__ if f"{package.__name__}.{name}" in modules()]


@pytest.mark.parametrize("name", LAZY)
def test_type_checkers_see_what_is_exported(name):
    path = modules()[name]
    seen = {}
    for block in filter(is_type_checking, parsed(path).body):
        for node in statements(block, with_types=True):
            homes = set(targets(name, path, node))
            seen.update({alias.name: homes for alias in node.names})
    assert seen == {key: {home} for key, home in exported(name).items()}


def test_an_unknown_name_is_an_error(package):
    with pytest.raises(AttributeError, match=f"'{package.__name__}' has no attribute 'nothing'"):
        package.nothing  # noqa: B018


@pytest.mark.parametrize(
    ("imported", "heavy"),
    [
        ("protoface", "cv2 matplotlib numpy onnx onnxruntime torch google.protobuf"),
        ("protoface.cli", "cv2 matplotlib onnx onnxruntime torch"),
        (
            "protoface.cascade, protoface.converters, protoface.eval, protoface.trainers",
            "cv2 onnx torch",
        ),
        ("protoface.cascade.cascade", "matplotlib tensorboard torch"),
        (
            "protoface.trainers.commands.prepare, protoface.trainers.sets.prepare",
            "h5py onnx onnxruntime torch",
        ),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_used(imported, heavy):
    code = (
        f"import sys, {imported}\n"
        f"there = set({heavy.split()}) & set(sys.modules)\n"
        "assert not there, there"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_function_named_as_a_verb_is_no_module():
    from protoface.converters import conversion, convert

    assert convert is conversion.convert
