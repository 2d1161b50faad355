"""What the benchmarks of the pages work out themselves: the slow line, percentiles, layout shift, and the table."""

import importlib
import socket
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture(scope="module", autouse=True)
def bench(root):
    sys.path.insert(0, str(root / "bench"))
    yield
    sys.path.remove(str(root / "bench"))


@pytest.fixture(scope="module")
def slow_line():
    return importlib.import_module("slow_line")


@pytest.fixture(scope="module")
def pages():
    return importlib.import_module("pages")


# The slow line


@given(st.lists(st.tuples(st.floats(0, 0.5), st.integers(1, 100_000)), min_size=1, max_size=30))
def test_no_span_of_time_carries_more_than_the_rate_and_one_burst(slow_line, pieces):
    bucket, now, left = slow_line.Bucket(), 0.0, []
    for pause, size in pieces:
        now += pause
        left.append((now, size, bucket.take(size, now)))
    assert all(out >= asked for asked, _, out in left)
    for first in range(len(left)):
        for last in range(first, len(left)):
            carried = sum(size for _, size, _ in left[first : last + 1])
            span = left[last][2] - left[first][0]
            assert carried / slow_line.RATE <= span + slow_line.BURST + 1e-9


def test_a_megabyte_takes_as_long_as_ten_megabits_a_second_say(slow_line):
    bucket, now = slow_line.Bucket(), 100.0
    for _ in range(1000):
        now = bucket.take(1250, now)
    assert now - 100 == pytest.approx(1.0, abs=slow_line.BURST)
    assert bucket.carried == 1_250_000


def test_an_idle_line_saves_up_one_burst_and_no_more(slow_line):
    bucket = slow_line.Bucket(rate=1000, burst=0.1)
    assert bucket.take(100, now=50) == 50
    assert bucket.take(100, now=50) == pytest.approx(50.1)


def test_the_line_hands_on_every_byte_both_ways_and_not_too_soon(slow_line):
    sent = np.random.default_rng(1).bytes(60_000)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def echo():
            connection, _ = server.accept()
            with connection:
                while piece := connection.recv(65536):
                    connection.sendall(piece)

        thread = threading.Thread(target=echo, daemon=True)
        thread.start()
        with slow_line.slow_line(server.getsockname()[1]) as line:
            began = time.monotonic()
            with socket.create_connection(("127.0.0.1", line.port), timeout=30) as connection:
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
                got = b"".join(iter(lambda: connection.recv(65536), b""))
            took = time.monotonic() - began
        thread.join(30)
    assert got == sent
    assert line.carried == 2 * len(sent)
    # Opening takes a turn, the bytes one more; a busy computer can only make it longer.
    assert took >= 4 * slow_line.DELAY + len(sent) / slow_line.RATE - slow_line.BURST


# What is worked out from what was seen


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=60))
def test_the_95th_percentile_is_the_one_of_numpy(pages, values):
    assert pages.p95(values) == pytest.approx(np.percentile(values, 95), abs=1e-6)


@pytest.mark.parametrize(
    ("shifts", "worst"),
    [
        ([], 0),
        ([(0, 0.1), (900, 0.2)], 0.3),
        ([(0, 0.1), (1000, 0.2)], 0.2),  # a second apart: two windows
        ([(0, 0.3), (2000, 0.1), (2500, 0.1)], 0.3),
        ([(900 * n, 0.1) for n in range(10)], 0.6),  # a window ends after five seconds
    ],
)
def test_layout_shift_is_the_worst_window(pages, shifts, worst):
    assert pages.layout_shift(shifts) == pytest.approx(worst)


def test_the_table_names_what_misses_its_target(pages):
    def seen(ms, key, size):
        return pages.Seen([ms], [ms], [ms], [key] * 40, [10], [size], [size], [0.05])

    visited = {
        "loopback": {"ours": seen(140, 51, 0), "Panel": seen(139, 9, 0), "Dash": seen(141, 9, 0)},
        "10 Mbit/s, 40 ms": {"ours": seen(401, 99, 9e4), "Panel": seen(900, 9, 3e6), "Dash": seen(402, 9, 2e6)},
    }
    rows = list(pages.table(visited))
    assert rows[0] == ("loopback", "ours", "Panel", "Dash", "target")
    fast, slow = ({row[0].strip(): row[1:] for row in half} for half in (rows[:7], rows[7:]))
    assert fast["options painted, ms"] == ("140", "139", "141", "150")
    assert fast["interactive, ms"] == ("140", "139", "141", "Panel's, missed")
    assert fast["key to update, ms, 95 %"] == ("51", "9", "9", "50, missed")
    assert fast["layout shift"] == ("0.050", "0.050", "0.050", "0.1")
    assert slow["options painted, ms"] == ("401", "900", "402", "400, missed")
    assert slow["interactive, ms"] == ("401", "900", "402", "Dash's")
    assert slow["MB, first visit"] == ("0.09", "3.00", "2.00", "1.2")
    assert slow["MB, again"][-1] == "0.1"
