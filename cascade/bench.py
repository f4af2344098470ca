"""Times a cascade: `python cascade/bench.py ...` is `protoface bench ...`."""

import sys

from protoface.cascade.commands.bench import bench
from protoface.cli import run

if __name__ == "__main__":
    sys.exit(run(bench))
