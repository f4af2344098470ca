"""The wheel holds everything that the installed package needs, and nothing else finds its way in."""

import configparser
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from .constant_cascade import CASCADE, FIRST, NET, SECOND, constant_weights
from .source_tree import FOLDERS, ROOT, modules


def write_model(folder: Path) -> None:
    """A model like those that the package may hold: what it answers does not matter here."""
    folder.mkdir(parents=True)
    notice = 'notice: "weights of added are for tests only"'
    (folder / "cascade.prototxt").write_text(f"{CASCADE}\n{notice}\n")
    (folder / "net.prototxt").write_text(NET)
    for name, answer in (("one", FIRST), ("two", SECOND)):
        constant_weights(folder / f"{name}.caffemodel", answer)
    for name in ("LICENSE", "card.md"):
        (folder / name).write_text("For tests.")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    write_model(source / "cascade" / "models" / "added")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(source)], check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def packed(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


@pytest.fixture(scope="module")
def site(wheel: Path) -> Path:
    """The folder where the wheel is unpacked, as pip would."""
    site = wheel.parent / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def installed_name(path: Path) -> str:
    """`package/cli.py` is protoface/cli.py, `eval/plots.py` is protoface/eval/plots.py."""
    parts = path.relative_to(ROOT).parts
    return "/".join(["protoface", *(parts[1:] if parts[0] == "package" else parts)])


@pytest.mark.slow
def test_every_file_of_the_folders_is_in_the_wheel(packed):
    tracked = {
        installed_name(path)
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    tiny = {name for name in packed if name.startswith("protoface/cascade/models/added/")}
    assert packed - tiny == tracked
    assert {name.rpartition("/")[2] for name in tiny} == {
        "LICENSE", "card.md", "cascade.prototxt", "net.prototxt", "one.caffemodel", "two.caffemodel"
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "__init__.py",
        "__main__.py",
        "cli.py",
        "py.typed",
        "cascade/cascade.desc",
        "cascade/models/fast/level_1.caffemodel",
        "cascade/opencv_cuda/build.sh",
        "converters/caffe.proto",
        "eval/report.html",
        "prototxt/level_1/solver.prototxt",
        "prototxt/points/celeba5.prototxt",
        "trainers/recipe/recipe_pb2.pyi",
        "trainers/recipes/fast.prototxt",
    ],
)
def test_what_is_needed_is_in_the_wheel(packed, name):
    """Some of each kind by name, in case the folders themselves lose one."""
    assert f"protoface/{name}" in packed


def run_installed(site: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m protoface ARGUMENTS` of the unpacked wheel, not of this environment."""
    code = (
        "import runpy, sys; site = sys.argv.pop(1); sys.path.insert(1, site)\n"
        "import protoface, protoface.cascade\n"
        "for part in (protoface, protoface.cascade):\n"
        "    assert part.__file__.startswith(site), part.__file__\n"
        "runpy.run_module('protoface', run_name='__main__', alter_sys=True)\n"
    )
    command = [sys.executable, "-c", code, str(site), *arguments]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("inside", [False, True], ids=["from elsewhere", "from inside the checkout"])
def test_the_wheel_works(site, tmp_path, inside):
    """In the checkout too, whose folders come first on the path there."""
    done = run_installed(
        site, ROOT if inside else tmp_path, "bench", "--backend", "opencv", "--runs", "1"
    )
    assert "opencv" in done.stdout


@pytest.mark.slow
def test_a_model_of_the_wheel_finds_points_by_its_name(site, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # its notice comes once a day
    cv2.imwrite(str(tmp_path / "photo.jpg"), np.zeros((60, 80, 3), np.uint8))
    done = run_installed(
        site, tmp_path, "detect", "photo.jpg", "--model", "added", "--backend", "opencv"
    )
    assert done.stderr == "protoface: weights of added are for tests only\n"
    assert done.stdout.splitlines()[1].startswith("photo.jpg  ")


@pytest.mark.slow
def test_an_editable_install_is_this_checkout(tmp_path):
    """As `make env` made it: every package from anywhere, and from inside the checkout."""
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    print(importlib.import_module(name).__file__)\n"
    )
    expected = [str(path) for path in modules().values() if path.name == "__init__.py"]
    names = [name for name, path in modules().items() if path.name == "__init__.py"]
    for cwd in (tmp_path, ROOT):
        command = [sys.executable, "-c", code, *names]
        done = subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)
        assert done.stdout.split() == expected


def test_no_dependency_is_locked_from_above():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = setup["options.extras_require"].values()
    lines = "\n".join([setup["options"]["install_requires"], *extras])
    assert not any(mark in lines for mark in ("<", "==", "~="))


def test_the_root_is_no_package():
    assert not (ROOT / "__init__.py").exists()
    assert all((ROOT / folder / "py.typed").exists() for folder in FOLDERS)
