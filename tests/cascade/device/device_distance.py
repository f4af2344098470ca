"""How far the points of `DeviceCascade` are from `Cascade`'s, on drawn faces of 256 x 256, in pixels.

`python tests/cascade/device/device_distance.py [OTHER.npz]` prints mean and largest distance over all
levels, and writes the points of `Cascade` to `build/points_<OpenCV's version>.npz`; OTHER is such
a file of another OpenCV. Both run on PyTorch on the CPU.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import torch

from protoface.cascade.cascade import Cascade
from protoface.cascade.device.device_cascade import DeviceCascade
from protoface.cascade.measure.step_times import load_model
from protoface.trainers.drawn.faces import draw_face

FACES = 24


def main(other: str | None) -> None:
    torch.set_num_threads(1)
    images = [cv2.resize(draw_face(7, index, 256).image, (256, 256)) for index in range(FACES)]
    theirs = np.load(other) if other else {}
    points = {}
    for model in ("fast", "accurate", "synthetic"):
        definition, nets, _ = load_model(model, [])
        faces = Cascade(definition, nets, "torch").detect_batch(images)
        points[model] = np.array([face.stages for (face,) in faces]).swapaxes(0, 1)
        with torch.inference_mode():
            found = DeviceCascade(definition, nets)(torch.from_numpy(np.stack(images))).numpy()
        for name, values in (("DeviceCascade", found), (other, theirs.get(model))):
            if values is not None:
                apart = np.linalg.norm(points[model] - values, axis=-1)
                line = f"mean {apart.mean():.3f}, largest {apart.max():.2f} pixels"
                print(f"{model}, OpenCV {cv2.__version__}, Cascade against {name}: {line}")
    Path("build").mkdir(exist_ok=True)
    np.savez(f"build/points_{cv2.__version__}.npz", **points)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
