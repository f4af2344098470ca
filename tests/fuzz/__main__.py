"""`python -m tests.fuzz --seconds 60`: every target in turn, findings in build/fuzz (`make fuzz`)."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from .targets import TARGETS, seeds, words

HERE = Path(__file__).parent
#: Bytes of the largest case: small ones find more in the same time.
LONGEST = 1 << 14


def fuzzed(target: str, seconds: int, folder: Path) -> tuple[int, str]:
    """Findings in one target, and a line about it.

    libFuzzer ends at what it finds: it starts again from its corpus until the time is up, so what was
    mended meanwhile is mended.
    """
    corpus = folder / target
    corpus.mkdir(parents=True, exist_ok=True)
    for index, content in enumerate(seeds(target)):
        (corpus / f"seed_{index:03}").write_bytes(content)
    dictionary = folder / f"{target}.dict"
    dictionary.write_text("".join(f'"{word}"\n' for word in words(target)) or '"layer"\n')
    begun, runs, starts, found, covered = time.monotonic(), 0, 0, 0, 0
    while (left := round(seconds - (time.monotonic() - begun))) > 0 or not starts:
        starts += 1
        status, log = started(target, corpus, dictionary, max(1, left), seed=starts)
        (folder / f"{target}-{starts}.log").write_text(log)
        executed = re.search(r"stat::number_of_executed_units: (\d+)", log)
        if executed is None:  # it has not even started: atheris is missing, for one
            return 1, f"{target}: DID NOT RUN, see {folder}/{target}-{starts}.log"
        runs += int(executed.group(1))
        found += status != 0
        covered = max([covered, *(int(count) for count in re.findall(r" cov: (\d+) ", log))])
    return found, (
        f"{target}: {f'{found} FOUND, see {folder}' if found else 'nothing found'}, {runs} runs in "
        f"{time.monotonic() - begun:.0f} s, coverage {covered}"
    )


def started(target: str, corpus: Path, dictionary: Path, seconds: int, seed: int) -> tuple[int, str]:
    """Status of libFuzzer's run of one target (0: nothing found), and its log."""
    command = [sys.executable, str(HERE / "fuzz.py"), target, str(corpus)]
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-dict={dictionary}",
        f"-artifact_prefix={corpus}-",
        f"-seed={seed}",  # a run can be had again, as far as its time limit allows
        "-timeout=10",
        "-rss_limit_mb=0",
        "-print_final_stats=1",
    ]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="default: all")
    given = parser.parse_args()
    chosen, all_found = given.target or list(TARGETS), 0
    for target in chosen:
        found, line = fuzzed(target, max(1, given.seconds // len(chosen)), given.out)
        print(line, flush=True)
        all_found += found
    return min(all_found, 1)


if __name__ == "__main__":
    sys.exit(main())
