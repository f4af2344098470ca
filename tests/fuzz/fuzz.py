"""One target under atheris, libFuzzer for Python: `fuzz.py TARGET [libFuzzer's own arguments]`.

A finding ends the run with a status other than 0: any exception but ProtofaceError, a crash, a case of
more than ten seconds (`-timeout`), or one that takes more than 64 MB + 10 x its size of memory.
"""

from __future__ import annotations

import random
import resource
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))
INCLUDED = [f"protoface.{name}" for name in ("converters", "cascade", "eval.datasets", "trainers")]
with atheris.instrument_imports(include=[*INCLUDED, "google.protobuf.text_format"]):
    from protoface.converters.layers import layer_types
    from protoface.converters.operators import operators
    from tests.fuzz import targets

    layer_types(), operators()  # all of their files, which are imported when asked for

#: Part of the cases of text that are changed by whole messages.
STRUCTURED = 0.3
ALLOWED, PER_BYTE = 64 << 20, 10
#: Address space beyond what is mapped at the start: a run-away case ends in MemoryError, a finding.
GUARD = 4 << 30


def resident(name: str) -> int:
    """VmRSS (memory now) or VmHWM (its peak) of this process in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) << 10
    raise OSError(f"no {name} in /proc/self/status")


def measured(target: str, content: bytes) -> None:
    """Run one case and hold it to its memory."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from what is in use now
    before = resident("VmRSS")
    targets.run(target, content)
    taken = resident("VmHWM") - before
    if taken > ALLOWED + PER_BYTE * len(content):
        raise MemoryError(f"{len(content)} bytes took {taken >> 20} MB")


def mutate(target: str, data: bytes, most: int, seed: int) -> bytes:
    """libFuzzer's own changes, and for text now and then those of whole messages."""
    generator = random.Random(seed)
    if target in targets.TEXTS and generator.random() < STRUCTURED:
        return targets.mutated(data, generator)[:most]
    return bytes(atheris.Mutate(data, most))


def main() -> None:
    """See the module."""
    target = sys.argv.pop(1)
    for content in targets.seeds(target):  # everything that is loaded once is loaded now
        targets.run(target, content)
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + GUARD, mapped + GUARD))
    atheris.Setup(
        sys.argv,
        lambda content: measured(target, content),
        custom_mutator=lambda data, most, seed: mutate(target, data, most, seed),
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
