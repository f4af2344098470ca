"""Work in parallel: results in order, only a few of them in memory at a time."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores(workers: int | None) -> int:
    """`workers`, or as many as this process may use cores."""
    if workers is not None:
        return workers
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(
    pool: Executor, function: Callable[[Item], Result], items: Iterable[Item], ahead: int
) -> Iterator[Result]:
    """`function` of each item by the workers of `pool`; at most `ahead` are begun and not yet taken.

    Unlike `pool.map` this reads the items as they are needed, so memory does not grow with their
    number. What has not begun is dropped if the caller stops early or an error comes.
    """
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


@contextmanager
def progress(total: int, title: str, unit: str) -> Iterator[Callable[[int], object]]:
    """A progress bar if stderr is a terminal, and what moves it; else tqdm is not imported."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from tqdm import tqdm

    with tqdm(total=total, desc=title, unit=unit) as bar:
        yield bar.update


def chunks(items: Iterable[Item], length: int) -> Iterator[list[Item]]:
    """The items in lists of `length`; the last one may be shorter."""
    chunk: list[Item] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == length:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
