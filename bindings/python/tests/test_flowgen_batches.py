"""Records by the million: memory, NumPy, Arrow, pandas and polars."""

import gc
import os
import signal
import sys
import threading

import pytest
from rheos import flowgen
from rheos.flowgen import FlowError, FlowGenerator, FlowRecord

numpy = pytest.importorskip("numpy")

FLOWS = 10_000


@pytest.fixture
def generator(example) -> FlowGenerator:
    return FlowGenerator.from_config(example, seed=42)


def same(array, flows: list[FlowRecord]) -> bool:
    names = array.dtype.names
    return all(tuple(row) == tuple(getattr(flow, name) for name in names) for row, flow in zip(array.tolist(), flows))


def test_a_batch_is_seen_without_a_copy(generator):
    batch = generator.next_batch(FLOWS)
    generator.reset()
    flows = [next(generator) for _ in range(FLOWS)]
    assert len(batch) == FLOWS and batch[0] == flows[0] and batch[-1] == flows[-1]
    assert list(batch) == flows
    with pytest.raises(IndexError, match="record 10000 of 10000"):
        batch[FLOWS]
    arrays = [batch.to_numpy(), numpy.asarray(batch), numpy.frombuffer(batch, flowgen.RECORD_DTYPE)]
    for array in arrays:
        assert array.dtype == flowgen.RECORD_DTYPE and array.shape == (FLOWS,)
        assert not array.flags.writeable
        assert array.ctypes.data == arrays[0].ctypes.data
    assert same(arrays[0], flows)
    assert bytes(batch) == batch.tobytes() == arrays[0].tobytes()


def test_memory_lives_as_long_as_an_array_needs_it(generator):
    array = generator.next_batch(FLOWS).to_numpy()
    copy = array.copy()
    gc.collect()
    # If the batch's memory were free, one of these would have it.
    others = [generator.next_batch(FLOWS) for _ in range(5)]
    assert (array == copy).all()
    del array
    gc.collect()
    assert len(others) == 5 and len(generator.next_batch(FLOWS)) == FLOWS


def test_a_batch_is_not_for_writing(generator):
    batch = generator.next_batch(8)
    with pytest.raises(ValueError):
        batch.to_numpy()["timestamp"] = 0
    with memoryview(batch) as view:
        assert view.readonly and view.itemsize == 32 and view.nbytes == 256 and view.shape == (8,)
        with pytest.raises(TypeError):
            view.cast("B")[0] = 1


def test_a_batch_goes_where_bytes_go(generator, tmp_path):
    batch = generator.next_batch(100)
    path = tmp_path / "raw"
    with path.open("wb") as file:
        assert file.write(batch) == 3200
    assert (numpy.fromfile(path, flowgen.RECORD_DTYPE) == batch.to_numpy()).all()


def test_the_end_of_the_records_shortens_a_batch(generator):
    generator.seek(99_990)
    assert len(generator.next_batch(100)) == 10
    assert len(generator.next_batch(100)) == 0
    assert generator.next_batch(100).to_numpy().shape == (0,)
    assert generator.next_batch(5).to_arrow().num_rows == 0
    generator.reset()
    assert [len(batch) for batch in generator.batches(40_000, threads=2)] == [40_000, 40_000, 20_000]
    with pytest.raises(FlowError, match="batch of 0 records"):
        generator.batches(0)


def test_more_than_there_is_memory_for_is_an_error():
    endless = flowgen.GeneratorConfig(bandwidth_gbps=1, traffic_patterns=[flowgen.TrafficPattern("random", 100)])
    endless.source_subnets = endless.destination_subnets = ["10.0.0.0/8"]
    generator = FlowGenerator.from_config(endless)
    for make in (generator.next_batch, generator.next_columns):
        with pytest.raises(MemoryError):
            make(1 << 57)
    assert generator.flow_count == 0


def test_fill_writes_into_memory_of_others(generator):
    expected = generator.next_batch(1000).to_numpy()
    generator.reset()
    room = numpy.zeros(1000, flowgen.RECORD_DTYPE)
    assert generator.fill(room[:500]) == 500
    assert generator.fill(room[500:], threads=2) == 500
    assert (room == expected).all()
    generator.seek(99_999)
    assert generator.fill(room) == 1
    assert (room[1:] == expected[1:]).all()
    for plain in (bytearray(320), memoryview(bytearray(320)), numpy.zeros(320, "u1"), numpy.zeros(10, "V32")):
        generator.reset()
        assert generator.fill(plain) == 10
        assert bytes(plain) == expected[:10].tobytes()
    assert generator.fill(bytearray()) == 0


def other_order() -> "numpy.dtype":
    return flowgen.RECORD_DTYPE.newbyteorder()


@pytest.mark.parametrize(
    ("room", "reason"),
    [
        (lambda: bytes(32), "only for reading"),
        (lambda: 7, "lends no memory"),
        (lambda: [FlowRecord()], "lends no memory"),
        (lambda: bytearray(33), "whole number of records"),
        (lambda: memoryview(bytearray(48))[4:36], "multiple of 8"),
        (lambda: numpy.zeros(8, "f8"), "no records"),
        (lambda: numpy.zeros(8, other_order()), "no records"),
        (lambda: numpy.zeros(8, [("a", "u8", (4,))]), "no records"),
        (lambda: numpy.zeros(8, flowgen.RECORD_DTYPE)[::2], "one behind the other"),
    ],
)
def test_fill_refuses_what_holds_no_records(generator, room, reason):
    with pytest.raises(FlowError, match=f"cannot fill this: .*{reason}.*\nhint: use `numpy.empty"):
        generator.fill(room())
    assert generator.flow_count == 0


def test_columns_are_the_records(generator):
    arrow = pytest.importorskip("pyarrow")
    records = generator.next_batch(FLOWS)
    generator.reset()
    batch = generator.to_arrow(FLOWS)
    assert generator.flow_count == FLOWS
    assert batch.schema.field("timestamp").type == arrow.timestamp("ns", "UTC")
    assert batch.schema.field("source_ip").type == arrow.uint32()
    array = records.to_numpy()
    for name in batch.schema.names:
        column = batch.column(name)
        column = column.cast(arrow.int64()) if name == "timestamp" else column
        assert (column.to_numpy() == array[name]).all(), name
    assert records.to_arrow().equals(batch)
    assert len(batch.schema.names) == len(array.dtype.names) - 1


def test_frames_are_the_records(generator):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    batch = generator.next_batch(FLOWS)
    generator.reset()
    array = batch.to_numpy()
    frames = [batch.to_pandas(), generator.next_columns(FLOWS).to_pandas()]
    for frame in frames:
        assert isinstance(frame, pandas.DataFrame) and len(frame) == FLOWS
        assert (frame["packet_length"].to_numpy() == array["packet_length"]).all()
        assert frame["timestamp"][0] == pandas.Timestamp("2024-01-01", tz="UTC")
    frame = batch.to_polars()
    assert isinstance(frame, polars.DataFrame)
    assert (frame["source_ip"].to_numpy() == array["source_ip"]).all()


def test_a_generator_is_an_arrow_stream(generator):
    polars, arrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    generator.seek(10_000)
    table = arrow.table(generator)
    assert table.num_rows == 90_000 and generator.flow_count == 10_000
    assert table.column("packet_length").num_chunks == 2
    frame = polars.DataFrame(generator)
    assert frame.shape == (90_000, 10)
    rest = generator.next_batch(90_000).to_numpy()
    assert (frame["destination_ip"].to_numpy() == rest["destination_ip"]).all()
    assert (table["packet_length"].to_numpy() == rest["packet_length"]).all()


def test_parts_fill_one_array_from_many_threads(generator):
    whole = generator.next_batch(100_000).to_numpy()
    generator.reset()
    room = numpy.zeros(100_000, flowgen.RECORD_DTYPE)
    parts = generator.split(4)
    places = [part.flow_count for part in parts] + [100_000]
    threads = [
        threading.Thread(target=part.fill, args=(room[start:end],))
        for part, start, end in zip(parts, places, places[1:])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (room == whole).all()


@pytest.mark.parametrize("name", ["dual_stack.toml", "campus.yaml"])
def test_wide_batches_are_seen_the_same_ways(examples, name):
    arrow = pytest.importorskip("pyarrow")
    polars = pytest.importorskip("polars")
    generator = FlowGenerator.from_config(examples / name)
    batch = generator.next_batch(FLOWS, threads=3)
    array = batch.to_numpy()
    assert array.dtype == flowgen.WIDE_DTYPE == numpy.asarray(batch).dtype
    assert array.dtype.itemsize == 96 and array.shape == (FLOWS,) and not array.flags.writeable
    generator.reset()
    assert [next(generator) for _ in range(100)] == [batch[place] for place in range(100)]
    assert (array["packets"][:100].tolist(), array["bytes"][7]) == ([batch[i].packets for i in range(100)], batch[7].bytes)
    # IPv4 addresses are mapped ones.
    four = array["flags"] & 2 == 0
    assert (array["source_ip"][four][:, :12] == [0] * 10 + [255, 255]).all() and 0 < four.sum() < FLOWS

    generator.reset()
    for room in (numpy.zeros(FLOWS, flowgen.WIDE_DTYPE), numpy.zeros(FLOWS, "V96")):
        generator.reset()
        assert generator.fill(room, threads=2) == FLOWS
        assert room.tobytes() == bytes(batch)

    generator.reset()
    columns = generator.to_arrow(FLOWS)
    assert columns.equals(batch.to_arrow())
    assert columns.schema.field("source_ip").type == arrow.binary(16)
    assert columns["source_ip"][3].as_py() == array["source_ip"][3].tobytes()
    for of in ("first", "last"):
        assert (columns[of].cast(arrow.int64()).to_numpy() == array[of]).all()
    assert (columns["bytes"].to_numpy() == array["bytes"]).all()
    generator.reset()
    generator.seek(generator.remaining - 5)
    assert polars.DataFrame(generator).shape == (5, 21)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_ctrl_c_leaves_the_generator_where_it_was_before_the_call():
    generator = FlowGenerator.from_config(
        {
            "generation": {"max_flows": 10**15, "rate": {"bandwidth_gbps": 1}},
            "traffic_patterns": [{"type": "random", "percentage": 100}],
        }
    )
    # Several times as many as are made between two looks for an interrupt.
    flows = 4 << 20
    room = bytearray(32 * flows)
    done = threading.Event()

    def interrupt():
        while not done.is_set():
            # The highest byte of the first timestamp.
            if room[7]:
                os.kill(os.getpid(), signal.SIGINT)
                return

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            for _ in range(100):
                generator.fill(room)
    finally:
        done.set()
        watcher.join()
    assert generator.flow_count % flows == 0
