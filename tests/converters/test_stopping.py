"""Jobs that end where they want to."""

import os
import signal
import threading

import pytest

from protoface.converters.stopping import SIGNALS, Interrupted, handled, interrupt, stopping


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_noted_and_raised_in_the_end(number):
    done = []

    def job():
        with stopping() as stop:
            for step in range(9):
                if step == 3:
                    os.kill(os.getpid(), number)
                if stop:
                    break
            done.append(step)

    with pytest.raises(Interrupted) as raised:
        job()
    assert (done, raised.value.signum) == ([3], number)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_signal_ends_at_once():
    done = []

    def job():
        with stopping() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            done.append(bool(stop))
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("more")

    with pytest.raises(Interrupted):
        job()
    assert done == [True]


def test_without_a_signal_nothing_is_raised():
    with stopping() as stop:
        assert not stop


def test_an_error_comes_through():
    def job():
        with stopping():
            os.kill(os.getpid(), signal.SIGINT)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        job()


def test_blocks_within_blocks_all_end():
    """The outer one hears by what the inner one raises."""
    with pytest.raises(Interrupted), stopping(), stopping():
        os.kill(os.getpid(), signal.SIGINT)


def test_a_thread_notes_nothing():
    seen = []

    def job():
        with stopping() as stop:
            seen.append(bool(stop))

    thread = threading.Thread(target=job)
    thread.start()
    thread.join()
    assert seen == [False]


def test_interrupt_is_a_handler():
    with handled(interrupt), pytest.raises(Interrupted, match="interrupted"):
        os.kill(os.getpid(), signal.SIGTERM)
