"""Times `protoface.cascade.MTCNN` and facenet-pytorch's class with the same weights, in turn.

    python docs/bench/mtcnn.py --facenet FOLDER --images DIR [--every 5] [--rounds 3] [--backend B]
        [--json FILE]

FOLDER is facenet-pytorch's package or unpacked wheel. Every picture is looked at by facenet-pytorch, by
faithful and by clean mode, one after the other, `rounds` times, on one thread; a picture's time is the
least of the rounds, in seconds of the processor, which other work on the machine lengthens little.
Where torchvision is not installed, two functions take its place; what they take is not counted.
`agreeing` counts pictures with the same faces as facenet-pytorch: boxes and points within 0.1 pixels,
scores within 0.001.
"""

import argparse
import importlib
import importlib.util
import json
import platform
import shlex
import sys
import time
from pathlib import Path
from statistics import mean, median

import cv2
import numpy as np
import torch

HERE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(HERE))
THEIRS = "facenet_pytorch"


class Uncounted:
    """Time that a function takes, to be taken off."""

    def __init__(self, function):
        self.function, self.seconds = function, 0.0

    def __call__(self, *arguments):
        """Call it."""
        start = time.process_time()
        try:
            return self.function(*arguments)
        finally:
            self.seconds += time.process_time() - start


def load_theirs(folder):
    """facenet-pytorch's class, and what counts the time of the functions in torchvision's place."""
    if importlib.util.find_spec("torchvision") is not None:
        sys.path.insert(0, str(folder.parent))
        return importlib.import_module("facenet_pytorch.models.mtcnn").MTCNN, Uncounted(None)
    import pytest

    from tests.cascade.mtcnn import facenet_stand_in

    nms = facenet_stand_in.batched_nms = Uncounted(facenet_stand_in.batched_nms)
    return facenet_stand_in.facenet(folder, pytest.MonkeyPatch()).MTCNN, nms


def seconds(find, image, uncounted):
    """Time of one call, and what it found."""
    before, start = uncounted.seconds, time.process_time()
    found = find.detect(image, landmarks=True)
    return time.process_time() - start - (uncounted.seconds - before), found


def agrees(theirs, ours):
    """See the module."""
    if theirs[0] is None or len(theirs[0]) != len(ours[0]):
        return theirs[0] is None and len(ours[0]) == 0
    pairs = zip(theirs, ours, (0.1, 1e-3, 0.1), strict=True)
    return all(np.abs(np.float64(a) - np.float64(b)).max() <= bound for a, b, bound in pairs)


def measured(finders, images, rounds, uncounted):
    """Finder -> least seconds of each picture; and how many faithful results agree."""
    times = {name: [] for name in finders}
    agreeing = 0
    for image in images:
        least, found = dict.fromkeys(finders, float("inf")), {}
        for _ in range(rounds):
            for name, find in finders.items():
                taken, found[name] = seconds(find, image, uncounted)
                least[name] = min(least[name], taken)
        agreeing += agrees(found[THEIRS], found["faithful"])
        for name in finders:
            times[name].append(least[name])
    return times, agreeing


def main():
    """Parse, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--facenet", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--every", type=int, default=5, help="take every n-th picture")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    from protoface.cascade import MTCNN

    inner = given.facenet / THEIRS
    folder = inner if inner.is_dir() else given.facenet
    theirs, uncounted = load_theirs(folder)
    finders = {THEIRS: theirs(keep_all=True)}
    for mode in ("faithful", "clean"):
        finders[mode] = MTCNN(
            keep_all=True, weights=folder, mode=mode, backend=given.backend, threads=1
        )
    files = sorted(given.images.rglob("*.jpg"))[:: given.every]
    images = [cv2.imread(str(file))[..., ::-1].copy() for file in files]
    for find in finders.values():
        find.detect(images[0])
    times, agreeing = measured(finders, images, given.rounds, uncounted)
    report(given, finders, times, agreeing, len(images))


def report(given, finders, times, agreeing, count):
    """A line for each finder; the same as JSON."""
    rows = []
    for name, taken in times.items():
        ratios = [one / other for one, other in zip(times[THEIRS], taken, strict=True)]
        row = {
            "finder": name,
            "mean_ms": 1e3 * mean(taken),
            "median_ms": 1e3 * median(taken),
            "times_faster_in_sum": sum(times[THEIRS]) / sum(taken),
            "times_faster_median": median(ratios),
        }
        rows.append(row)
        print(
            "  ".join(
                f"{key} {value if key == 'finder' else f'{value:.2f}'}" for key, value in row.items()
            )
        )
    print(f"agreeing {agreeing} of {count} pictures")
    if given.json:
        result = {
            "command": shlex.join(sys.argv),
            "machine": platform.processor() or platform.machine(),
            "versions": {"torch": torch.__version__, "opencv": cv2.__version__},
            "backend": finders["faithful"].cascade.backend,
            "pictures": count,
            "agreeing": agreeing,
            "rows": rows,
        }
        given.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
