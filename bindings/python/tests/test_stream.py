"""Rows as they come, columns of the caller's own, packets, interrupts."""

import signal
import threading
import time

import pyarrow
import pytest
import rheos


def test_batches_come_one_by_one(long_capture):
    with rheos.stream(long_capture, columns=["src_ip", "total_packets"]) as stream:
        assert stream.summary is None
        sizes = [len(batch) for batch in stream]
    assert sum(sizes) == 50_000 and max(sizes) <= 8192
    assert stream.summary["rows"] == 50_000
    assert stream.progress[2] == 100_000


def test_a_stream_is_an_arrow_stream(long_capture):
    stream = rheos.stream(long_capture, columns=["total_packets"])
    reader = pyarrow.RecordBatchReader.from_stream(stream)
    assert sum(batch.num_rows for batch in reader) == 50_000


def test_a_stream_can_be_left_early(long_capture):
    before = threading.active_count()
    with rheos.stream(long_capture, threads=2) as stream:
        next(stream)
    with pytest.raises(StopIteration):
        next(stream)
    assert threading.active_count() == before


def test_columns_of_my_own(capture):
    rows = rheos.extract(
        capture,
        columns=["total_packets", "total_bytes"],
        add={"mean": lambda batch: batch["total_bytes"].to_numpy() / batch["total_packets"].to_numpy()},
        on_flow=lambda flow: {"big": flow["total_bytes"] > 1000},
    )
    assert rows.column_names == ["total_packets", "total_bytes", "mean", "big"]
    table = rows.to_arrow()
    assert table["mean"].to_pylist() == [34.0, 34.0, 34.0]
    assert table["big"].to_pylist() == [False, False, False]
    values, names = rows.to_numpy()
    assert names == rows.column_names and values.shape == (3, 4)
    assert rows.to_pandas()["mean"].tolist() == rows.to_polars()["mean"].to_list()


def test_a_column_of_the_wrong_length_is_told(capture):
    with pytest.raises(rheos.ConfigError, match="2 values for 3 rows"):
        rheos.extract(capture, add={"two": lambda batch: [1, 2]})


def test_packets(capture):
    rows = rheos.packets(capture, payload=5)
    table = rows.to_arrow()
    assert table["payload"].to_pylist() == [b"there", b"go ba"] * 3
    assert table["payload_len"].to_pylist() == [5, 7] * 3
    values, names = rheos.packets(capture, filter="dst port 9999").to_numpy()
    assert values.shape == (3, len(names))
    assert values[:, names.index("dst_port")].tolist() == [9999.0] * 3


def test_progress_is_told(long_capture):
    told = []
    rheos.extract(long_capture, progress=lambda *course: told.append(course))
    assert told and told[-1][0] == long_capture.stat().st_size == told[-1][1]


def test_an_error_in_progress_ends_the_run(long_capture):
    def stop(*_):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        rheos.extract(long_capture, progress=stop)


def test_an_interrupt_ends_the_run(long_capture):
    seen = []

    def interrupted():
        for number in range(1000):
            with rheos.stream(long_capture, threads=2) as stream:
                for _ in stream:
                    if not seen:
                        seen.append(number)
                        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupted()


def test_python_runs_on_meanwhile(long_capture):
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        rheos.extract([long_capture] * 5)
    finally:
        done.set()
        thread.join()
    assert len(ticks) > 3, "other threads stood still during the run"
