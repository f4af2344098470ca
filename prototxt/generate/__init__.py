"""Writes nets and solvers as protobuf text, each net from a table or a function of its own.

    python -m protoface.prototxt.generate                   # the committed level_1/ and level_2/
    python -m protoface.prototxt.generate --out nets/small --net small --size 24 --points 68
    python -m protoface.prototxt.generate --out nets/fast --net small --size 24 --deploy level_1

Names, fillers and multipliers are those of the nets inside the published weights, which load by name
into the net `original`.
"""

from .level_files import FOLDER, deploy_file, files, solver
from .phases import deploy_net, train_val_net
from .size import Size

__all__ = ["FOLDER", "Size", "deploy_file", "deploy_net", "files", "solver", "train_val_net"]
