"""Pictures of one row or column cost what their pixels cost, in every mode and on every backend."""

import subprocess
import sys
import textwrap

import cv2
import numpy as np
import pytest

from protoface.cascade import ProtofaceError, load
from protoface.cascade.backends.choice import BACKENDS
from protoface.cascade.stage import Stage

from ..constant_cascade import CASCADE, SIMILARITY, SQUARE

INSTALLED = [name for name in BACKENDS if BACKENDS[name].missing() is None]
SHAPES = [(1, 1_000_000), (1_000_000, 1), (2, 40_000), (40_000, 2)]
#: Windows of level 2, and whether faithful mode has them.
WINDOWS = {
    "square": (SQUARE, True),
    "box": ("window { box { scale: 1.5 } }", True),
    "picture": ("window { picture {} }", True),
    "similarity": (SIMILARITY, False),
}
#: Looks at a picture of a shape in a process of its own: seconds, and bytes of memory.
MEASURED = textwrap.dedent(
    """
    import resource, sys, time
    import numpy as np
    from protoface import load
    rows, columns, model, mode, backend = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
    cascade = load(model, backend, mode, (), 1)
    cascade.detect(np.zeros((60, 60, 3), np.uint8))
    image = np.zeros((rows, columns, 3), np.uint8)
    image[::2, ::3] = 200
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    cascade.detect(image)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(time.process_time() - start, used * 1024 / image.nbytes)
    """
)
#: Memory besides the picture, in times its bytes: what docs/security.md says, by mode.
TIMES = {"clean": 2.5, "faithful": 2.5}


def written(folder, window: str):
    """The constant cascade with another window for level 2."""
    (folder / "cascade.prototxt").write_text(CASCADE.replace(SQUARE, window))
    return folder


def measured(shape, model: str, mode: str, backend: str) -> tuple[float, float]:
    """Seconds of the processor, and memory in times the picture's bytes."""
    run = [sys.executable, "-c", MEASURED, *map(str, shape), model, mode, backend]
    printed = subprocess.run(run, capture_output=True, text=True, check=True, timeout=300).stdout
    seconds, times = map(float, printed.split())
    return seconds, times


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("window", "mode"),
    [(name, "clean") for name in WINDOWS]
    + [(name, "faithful") for name in WINDOWS if WINDOWS[name][1]],
)
def test_a_thin_picture_is_looked_at_through_every_window(random_folder, window, mode, shape):
    cascade = load(written(random_folder, WINDOWS[window][0]), mode=mode)
    rows, columns = shape
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    boxes = [[0, 0, columns, rows]] if window == "box" else None
    (face,) = cascade.detect(image, boxes)
    assert np.isfinite(face.points).all()


@pytest.mark.parametrize("backend", INSTALLED)
def test_every_backend_looks_at_a_thin_picture(random_folder, backend):
    image = np.random.default_rng(0).integers(0, 256, (1, 200_000, 3), np.uint8)
    expected = load(random_folder, "onnxruntime").detect(image)[0].points
    found = load(random_folder, backend).detect(image)[0].points
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1)


@pytest.mark.parametrize("model", ["fast", "accurate"])
def test_a_long_picture_of_a_few_colours_is_what_its_small_copy_shows(model):
    """One row of 96 blocks: level 1 sees the same as of a picture of 96 pixels."""
    blocks = np.random.default_rng(0).integers(0, 256, (1, 96, 3), np.uint8)
    image = np.repeat(blocks, 1024, axis=1)
    first = next(iter(load(model).steps([image])))
    small = next(iter(load(model).steps([blocks])))
    (blob,) = first.inputs
    np.testing.assert_allclose(first.inputs[blob], small.inputs[blob], atol=1.01 / 64)


@pytest.mark.slow
@pytest.mark.parametrize("backend", INSTALLED)
@pytest.mark.parametrize("shape", [(1, 30_000_000), (30_000_000, 1), (2, 40_000_000), (6000, 6000)])
@pytest.mark.parametrize("model", ["fast", "accurate"])
def test_memory_and_time_are_bounded_by_the_picture(model, shape, backend):
    seconds, times = measured(shape, model, "clean", backend)
    assert times < TIMES["clean"]
    assert seconds < 30


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 30_000_000), (30_000_000, 1), (6000, 6000)])
def test_memory_of_faithful_mode_is_bounded_too(random_folder, shape):
    seconds, times = measured(shape, str(random_folder), "faithful", "onnxruntime")
    assert times < TIMES["faithful"]
    assert seconds < 30


@pytest.mark.parametrize("error", [MemoryError(), cv2.error("bad\nworse")])
def test_what_fails_for_a_picture_is_an_error_of_its_stage(folder, monkeypatch, error):
    def fails(*given):
        raise error

    cascade = load(folder)
    monkeypatch.setattr(Stage, "step", fails)
    with pytest.raises(ProtofaceError, match=r"'level_1' fails at pictures of 9 x 5 pixels: .*\w"):
        cascade.detect(np.zeros((5, 9, 3), np.uint8))
