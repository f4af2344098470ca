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

ROOT = Path(__file__).parent.parent
FOLDERS = ("prototxt", "converters", "trainers", "cascade", "eval", "package")


def write_model(folder: Path) -> None:
    """A model like those that the package may hold: what it answers does not matter here."""
    folder.mkdir(parents=True)
    notice = 'notice: "weights of tiny are for tests only"'
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
    write_model(source / "cascade" / "models" / "tiny")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(source)], check=True)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_every_file_of_the_five_folders_is_in_the_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    tracked = {
        f"protoface/{path.relative_to(ROOT).as_posix()}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    tiny = {name for name in packed if name.startswith("protoface/cascade/models/tiny/")}
    assert packed - tiny == tracked
    assert {name.rpartition("/")[2] for name in tiny} == {
        "LICENSE", "card.md", "cascade.prototxt", "net.prototxt", "one.caffemodel", "two.caffemodel"
    }  # fmt: skip
    assert "protoface/__init__.py" not in packed


@pytest.mark.slow
def test_the_wheel_works_away_from_the_checkout(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import protoface.cascade\n"
        "assert protoface.cascade.__file__.startswith(sys.argv[1]), protoface.cascade.__file__\n"
        "from protoface.cli import run, protoface\n"
        "sys.exit(run(protoface, ['bench', '--backend', 'opencv', '--runs', '1']))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "site")]
    subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)


@pytest.mark.slow
def test_a_model_of_the_wheel_finds_points_by_its_name(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    cv2.imwrite(str(tmp_path / "photo.jpg"), np.zeros((60, 80, 3), np.uint8))
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from protoface.cli import run, protoface\n"
        "sys.exit(run(protoface, ['detect', 'photo.jpg', '--model', 'tiny', '--backend', 'opencv']))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "site")]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stderr == "weights of tiny are for tests only\n"
    assert done.stdout.splitlines()[1].startswith("photo.jpg  ")


def test_no_dependency_is_locked_from_above():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = setup["options.extras_require"].values()
    lines = "\n".join([setup["options"]["install_requires"], *extras])
    assert not any(mark in lines for mark in ("<", "==", "~="))


def test_the_root_is_no_package():
    assert not (ROOT / "__init__.py").exists()
    assert all((ROOT / folder / "py.typed").exists() for folder in FOLDERS)
