"""Work by several workers: results in order, few of them at a time, errors at once."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from protoface.cascade.parallel import chunks, cores, in_order, progress


def test_as_many_workers_as_named_or_as_there_are_cores():
    assert cores(3) == 3
    if hasattr(os, "sched_getaffinity"):
        assert cores(None) == len(os.sched_getaffinity(0))
    else:
        assert cores(None) == os.cpu_count()


def test_results_come_in_the_order_of_the_items():
    """The first item is the last one to be done."""
    others_done = Event()

    def work(item: int) -> int:
        if item == 0:
            assert others_done.wait(10)
        if item == 3:
            others_done.set()
        return item * item

    with ThreadPoolExecutor(2) as pool:
        assert list(in_order(pool, work, range(6), ahead=4)) == [0, 1, 4, 9, 16, 25]


@pytest.mark.parametrize("ahead", [1, 3])
def test_no_more_items_are_read_than_asked_for(ahead):
    read = []

    def items():
        for item in range(20):
            read.append(item)
            yield item

    with ThreadPoolExecutor(2) as pool:
        results = in_order(pool, str, items(), ahead)
        for taken in range(1, 5):
            assert next(results) == str(taken - 1)
            assert len(read) == taken + ahead - 1
        results.close()


def test_an_error_comes_where_its_item_is_and_drops_what_has_not_begun():
    begun = []

    def work(item: int) -> int:
        begun.append(item)
        return 1 // (item - 1)

    with ThreadPoolExecutor(1) as pool:
        results = in_order(pool, work, range(100), ahead=3)
        assert next(results) == -1
        with pytest.raises(ZeroDivisionError):
            next(results)
        assert list(results) == []
    assert len(begun) <= 4


def test_no_items():
    with ThreadPoolExecutor(1) as pool:
        assert list(in_order(pool, str, [], ahead=2)) == []
    assert list(chunks([], 3)) == []


def test_chunks_hold_everything_once():
    assert list(chunks(iter(range(7)), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(chunks(range(6), 3)) == [[0, 1, 2], [3, 4, 5]]


def test_a_bar_only_where_somebody_watches(monkeypatch, capsys):
    with progress(3, "counting", "thing") as move:
        move(3)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress(3, "counting", "thing") as move:
        move(1)
        move(2)
    assert "counting: 100%" in capsys.readouterr().err
