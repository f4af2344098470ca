"""`python -m tests.fuzz --seconds 60`: every target in turn, findings in build/fuzz (`make fuzz`)."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from .targets import TARGETS, seeds, words

HERE = Path(__file__).parent
#: Bytes of the largest case: small ones find more in the same time.
LONGEST = 1 << 14


def fuzzed(target: str, seconds: int, folder: Path) -> tuple[int, str]:
    """Status of a run of one target (0: nothing found), and a line about it."""
    corpus = folder / target
    corpus.mkdir(parents=True, exist_ok=True)
    for index, content in enumerate(seeds(target)):
        (corpus / f"seed_{index:03}").write_bytes(content)
    dictionary = folder / f"{target}.dict"
    dictionary.write_text("".join(f'"{word}"\n' for word in words(target)) or '"layer"\n')
    command = [sys.executable, str(HERE / "fuzz.py"), target, str(corpus)]
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-dict={dictionary}",
        f"-artifact_prefix={folder}/{target}-",
        "-seed=1",  # a run can be had again, as far as its time limit allows
        "-timeout=10",
        "-rss_limit_mb=0",
        "-print_final_stats=1",
    ]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    log = done.stdout + done.stderr
    (folder / f"{target}.log").write_text(log)
    runs = re.search(r"stat::number_of_executed_units: (\d+)", log)
    coverage = re.findall(r" cov: (\d+) ", log)
    if runs is None:  # it has not even started: atheris is missing, for one
        return done.returncode or 1, f"{target}: DID NOT RUN, see {folder}/{target}.log"
    return done.returncode, (
        f"{target}: {'nothing found' if done.returncode == 0 else 'FOUND, see ' + str(folder)}, "
        f"{runs.group(1)} runs in {seconds} s, "
        f"coverage {coverage[0] if coverage else '?'} -> {coverage[-1] if coverage else '?'}"
    )


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="default: all")
    given = parser.parse_args()
    chosen, worst = given.target or list(TARGETS), 0
    for target in chosen:
        status, line = fuzzed(target, max(1, given.seconds // len(chosen)), given.out)
        print(line, flush=True)
        worst = max(worst, abs(status))
    return min(worst, 1)


if __name__ == "__main__":
    sys.exit(main())
