"""A cascade in several threads and processes: the same answers as in one, or one clear error."""

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade import Cascade, ProtofaceError, load
from protoface.cascade.backends.choice import BACKENDS
from protoface.cascade.definition import load_nets, read_definition

INSTALLED = [name for name in BACKENDS if BACKENDS[name].missing() is None]
THREADS, PICTURES = 4, 50
#: Those that run in a forked process; OpenVINO says that it does not.
FORKED = [name for name in INSTALLED if not name.startswith("openvino")]
FORKS = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="has no fork")


def pictures(count: int = PICTURES) -> list[np.ndarray]:
    """Smooth noise of several sizes."""
    rng, made = np.random.default_rng(0), []
    for number in range(count):
        coarse = rng.integers(0, 256, (6, 8, 3), np.uint8)
        made.append(cv2.resize(coarse, (80 + number, 60), interpolation=cv2.INTER_CUBIC))
    return made


def points(cascade: Cascade, images: list[np.ndarray]) -> np.ndarray:
    return np.array([cascade.detect(image)[0].points for image in images])


def check_threads(cascade: Cascade, atol: float = 0) -> None:
    """Four threads at once over fifty pictures, each in another order, and by detect_batch."""
    images = pictures()
    expected = points(cascade, images)
    batched = [faces[0].points for faces in cascade.detect_batch(images)]

    def work(number: int) -> tuple[np.ndarray, np.ndarray]:
        order = np.random.default_rng(number).permutation(PICTURES)
        found = np.empty_like(expected)
        found[order] = points(cascade, [images[index] for index in order])
        return found, np.array([faces[0].points for faces in cascade.detect_batch(images)])

    with ThreadPoolExecutor(THREADS) as pool:
        for one, all_at_once in pool.map(work, range(THREADS)):
            np.testing.assert_allclose(one, expected, rtol=0, atol=atol)
            np.testing.assert_allclose(all_at_once, batched, rtol=0, atol=atol)


@pytest.mark.parametrize("mode", ["clean", "faithful"])
@pytest.mark.parametrize("backend", INSTALLED)
def test_threads_share_a_cascade(random_folder, backend, mode):
    check_threads(load(random_folder, backend, mode))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["fast", "accurate"])
@pytest.mark.parametrize("backend", INSTALLED)
def test_threads_share_the_models_of_the_package(model, backend):
    check_threads(load(model, backend), atol=1e-3)


@pytest.mark.parametrize("backend", INSTALLED)
def test_a_copy_answers_the_same(random_folder, backend, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(random_folder)
    cascade = load(".", backend, "faithful", ["two.caffemodel", "one.caffemodel"], 1)
    packed = pickle.dumps(cascade)
    deep = copy.deepcopy(cascade)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    for other in (pickle.loads(packed), deep):
        assert other is not cascade
        assert (other.backend, other.mode) == (backend, "faithful")
        np.testing.assert_array_equal(points(other, pictures(3)), points(cascade, pictures(3)))


def test_a_copy_of_a_model_goes_by_its_name():
    assert len(pickle.dumps(load("fast"))) < 500


@pytest.mark.parametrize("copied", [pickle.dumps, copy.deepcopy, copy.copy])
def test_a_cascade_of_nets_in_memory_has_no_copy(random_folder, copied):
    definition = read_definition(random_folder / "cascade.prototxt")
    cascade = Cascade(definition, load_nets(definition, random_folder, ()))
    with pytest.raises(ProtofaceError, match="'constant' is made of nets in memory, so it cannot"):
        copied(cascade)


def in_processes(method: str, cascade: Cascade, images: list[np.ndarray]) -> list[np.ndarray]:
    with multiprocessing.get_context(method).Pool(2) as pool:
        faces = pool.map_async(cascade.detect, images, 2).get(120)
    return [found[0].points for found in faces]


@FORKS
@pytest.mark.parametrize("backend", FORKED)
def test_processes_that_are_forked_load_it_again(random_folder, backend):
    cascade, images = load(random_folder, backend), pictures(6)
    expected = points(cascade, images)
    np.testing.assert_allclose(in_processes("fork", cascade, images), expected, atol=1e-3)


#: The cascade that forked processes find, without a copy.
FOUND: list[Cascade] = []


def look(image: np.ndarray) -> np.ndarray | str:
    try:
        return FOUND[-1].detect(image)[0].points
    except ProtofaceError as error:
        return str(error)


@FORKS
@pytest.mark.parametrize("backend", FORKED)
def test_a_cascade_that_a_forked_process_finds_is_loaded_again(random_folder, backend):
    FOUND.append(load(random_folder, backend))
    images = pictures(4)
    expected = points(FOUND[-1], images)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map_async(look, images).get(60)
    np.testing.assert_allclose(found, expected, atol=1e-3)


@FORKS
def test_a_forked_process_does_not_use_nets_in_memory(random_folder):
    definition = read_definition(random_folder / "cascade.prototxt")
    FOUND.append(Cascade(definition, load_nets(definition, random_folder, ())))
    with multiprocessing.get_context("fork").Pool(1) as pool:
        (found,) = pool.map_async(look, pictures(1)).get(60)
    assert "is made of nets in memory, so it cannot be copied or used in another process" in found


@pytest.mark.slow
@pytest.mark.parametrize("backend", INSTALLED)
def test_processes_that_are_spawned_load_it(random_folder, backend, tmp_path_factory):
    script = tmp_path_factory.mktemp("script") / "run.py"
    script.write_text(
        "import multiprocessing, sys\n"
        "import numpy as np\n"
        "from protoface import load\n"
        "if __name__ == '__main__':\n"
        "    cascade = load(sys.argv[1], sys.argv[2])\n"
        "    images = np.random.default_rng(0).integers(0, 256, (4, 60, 80, 3), np.uint8)\n"
        "    with multiprocessing.get_context('spawn').Pool(2) as pool:\n"
        "        found = pool.map(cascade.detect, list(images))\n"
        "    for faces, image in zip(found, images):\n"
        "        assert np.allclose(faces[0].points, cascade.detect(image)[0].points, atol=1e-3)\n"
        "    print('equal')\n"
    )
    here = Path(os.curdir).resolve()
    run = [sys.executable, str(script), str(random_folder), backend]
    done = subprocess.run(run, capture_output=True, text=True, cwd=here, timeout=300, check=False)
    assert (done.stdout.strip(), done.returncode) == ("equal", 0), done.stderr


@FORKS
@pytest.mark.skipif("openvino" not in INSTALLED, reason="OpenVINO is not installed")
def test_openvino_is_refused_in_a_forked_process(random_folder):
    FOUND.append(load(random_folder, "openvino"))
    with multiprocessing.get_context("fork").Pool(1) as pool:
        (found,) = pool.map_async(look, pictures(1)).get(60)
    assert "start processes by spawn" in found
