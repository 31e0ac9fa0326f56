"""Made flows: the older package's surface, its defects, and the same bytes as everywhere."""

import hashlib
import ipaddress
import json
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from rheos import flowgen
from rheos.flowgen import ConfigParser, FlowError, FlowExporter, FlowGenerator, FlowRecord

ROOT = Path(__file__).resolve().parents[3]
#: Records that the engine's own fingerprints are of.
RECORDS = 100_003
START = 1_704_067_200


def small(flows: int = 10, **generation: object) -> dict:
    """A configuration of a few flows."""
    return {
        "generation": {"max_flows": flows, "rate": {"bandwidth_gbps": 10}, "start_timestamp": START} | generation,
        "traffic_patterns": [{"type": "web_traffic", "percentage": 60}, {"type": "dns_traffic", "percentage": 40}],
    }


def of_pattern(kind: str) -> dict:
    """The configuration that the engine's fingerprint of a pattern is of."""
    generation = {
        "max_flows": RECORDS,
        "rate": {"bandwidth_gbps": 10},
        "start_timestamp": START,
        "seed": 42,
        "bidirectional_mode": "random",
    }
    return {"generation": generation, "traffic_patterns": [{"type": kind, "percentage": 100}]}


def fingerprints() -> dict[str, str]:
    """Those of the engine's records, as committed."""
    text = (ROOT / "crates/rheos-gen/tests/fingerprints/flows.txt").read_text()
    return dict(line.split() for line in text.splitlines())


PATTERNS = ["web_traffic", "dns_traffic", "ssh_traffic", "database_traffic", "smtp_traffic", "ftp_traffic", "random"]


@pytest.mark.parametrize("kind", PATTERNS)
@pytest.mark.parametrize("threads", [1, 2, 7])
def test_records_are_the_recorded_ones(kind, threads):
    batch = FlowGenerator.from_config(of_pattern(kind)).next_batch(RECORDS, threads=threads)
    assert hashlib.sha256(batch).hexdigest() == fingerprints()[kind]


def test_the_mix_is_the_recorded_one_on_every_way():
    config = of_pattern("web_traffic")
    mix = {"web_traffic": 40, "database_traffic": 20, "dns_traffic": 20, "ssh_traffic": 10, "random": 10}
    config["traffic_patterns"] = [{"type": kind, "percentage": part} for kind, part in mix.items()]
    recorded = fingerprints()["mix"]
    generator = FlowGenerator.from_config(config)
    pieces = hashlib.sha256()
    for batch in generator.batches(4097):
        pieces.update(batch)
    assert pieces.hexdigest() == recorded

    generator.reset()
    whole = bytearray(32 * RECORDS)
    assert generator.fill(whole) == RECORDS
    assert hashlib.sha256(whole).hexdigest() == recorded

    generator.reset()
    layout = struct.Struct("<QIIHHIBBBBI")
    rows = (
        layout.pack(
            *(r.timestamp, r.source_ip, r.destination_ip, r.source_port, r.destination_port, r.packet_length),
            *(r.protocol, r.flags, r.pattern, r.tcp_flags, r.stream_id),
        )
        for r in generator
    )
    assert hashlib.sha256(b"".join(rows)).hexdigest() == recorded


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_wide_records_are_the_recorded_ones(threads):
    config = of_pattern("web_traffic")
    mix = {"web_traffic": 40, "database_traffic": 20, "dns_traffic": 20, "ssh_traffic": 10, "random": 10}
    config["traffic_patterns"] = [{"type": kind, "percentage": part} for kind, part in mix.items()]
    config["generation"]["bidirectional_mode"] = "none"
    config["network"] = {
        "source_subnets": ["10.0.0.0/8", "2001:db8::/32"],
        "destination_subnets": ["192.0.2.0/24", "2001:db8:1::/64"],
    }
    batch = FlowGenerator.from_config(config).next_batch(RECORDS, threads=threads)
    assert hashlib.sha256(batch).hexdigest() == fingerprints()["wide"]


# The older surface.


def test_the_quick_start_runs_with_another_import_only(example, tmp_path):
    program = """
from rheos.flowgen import FlowGenerator, export_csv
generator = FlowGenerator()
if not generator.initialize("configs/example_config.yaml"):
    raise SystemExit("Failed to initialize generator")
print(f"Target rate: {generator.get_stats().flows_per_second:.2f} flows/sec")
flows = []
for flow in generator:
    flows.append(flow)
stats = generator.get_stats()
print(f"Total flows: {stats.flows_generated:,}")
print(f"Timestamp range: {stats.elapsed_time_seconds:.2f} seconds")
export_csv(flows, "output_flows.csv")
for i, flow in enumerate(flows[:2]):
    print(f"  {i+1}. {flow}")
"""
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "example_config.yaml").write_bytes(example.read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120
    )
    lines = done.stdout.splitlines()
    # 10 Gbit/s of 800 bytes, sizes within a byte of that.
    assert lines[0].startswith("Target rate: 1562") and lines[0].endswith(" flows/sec")
    assert lines[1:3] == ["Total flows: 100,000", "Timestamp range: 0.06 seconds"]
    assert lines[3].startswith("  1. FlowRecord(192.168.") and lines[3].endswith("ts=1704067200000000000)")
    rows = (tmp_path / "output_flows.csv").read_text().splitlines()
    assert rows[0] == "timestamp,src_ip,dst_ip,src_port,dst_port,protocol,length"
    assert len(rows) == 100_001


def test_generator_counts_and_returns(example):
    generator = FlowGenerator()
    assert generator.initialize(str(example)) is True
    assert iter(generator) is generator
    assert (generator.flow_count, generator.is_done(), generator.remaining) == (0, False, 100_000)
    assert generator.current_timestamp_ns == START * 10**9
    first = [next(generator) for _ in range(3)]
    # The clock is that of the next record, not of what was made ahead.
    assert generator.flow_count == 3
    assert generator.current_timestamp_ns == next(generator).timestamp
    generator.reset()
    assert [next(generator) for _ in range(3)] == first
    assert sum(1 for _ in generator) == 99_997
    assert generator.is_done() and generator.remaining == 0
    with pytest.raises(StopIteration):
        next(generator)


def test_stats_are_attributes_and_a_dictionary():
    generator = FlowGenerator.from_config(small())
    before = generator.get_stats()
    assert before.flows_generated == 0 and before.flows_per_second > 1e6
    list(generator)
    stats = generator.get_stats()
    assert stats["flows_generated"] == stats.flows_generated == 10
    assert stats.current_timestamp_ns == generator.current_timestamp_ns
    assert stats.elapsed_time_seconds * 1e9 == pytest.approx(stats.current_timestamp_ns - START * 10**9, abs=1)
    assert stats.flows_per_second == pytest.approx(10 / stats.elapsed_time_seconds)
    older = {"flows_generated", "elapsed_time_seconds", "flows_per_second", "current_timestamp", "start_timestamp"}
    assert older <= set(dict(stats)) == set(stats.keys()) == set(stats)
    assert len(stats) == len(stats.values()) and dict(stats.items()) == dict(stats)
    assert "nothing" not in stats and stats.get("nothing", 7) == 7
    with pytest.raises(KeyError, match="nothing"):
        stats["nothing"]


def test_a_record_is_what_it_says():
    record = FlowRecord("192.168.1.1", "10.0.0.1", 50000, 443, 6, START * 10**9, 800)
    assert repr(record) == (
        "FlowRecord(192.168.1.1:50000 -> 10.0.0.1:443, proto=6, len=800B, ts=1704067200000000000)"
    )
    assert (record.source_ip, record.destination_ip) == (0xC0A80101, 0x0A000001)
    assert (record.source_ip_str, record.destination_ip_str) == ("192.168.1.1", "10.0.0.1")
    assert record.to_csv() == "1704067200000000000,192.168.1.1,10.0.0.1,50000,443,6,800"
    assert FlowRecord.csv_header() == "timestamp,src_ip,dst_ip,src_port,dst_port,protocol,length"
    told = record.to_dict()
    assert list(told) == ["src_ip", "dst_ip", "src_port", "dst_port", "protocol", "timestamp", "length"]
    assert told["timestamp"] == START * 10**9

    same = FlowRecord(0xC0A80101, 0x0A000001, 50000, 443, 6, START * 10**9, 800)
    other = record.replace(protocol=17)
    assert record == same and hash(record) == hash(same) and record != other
    assert other.replace(protocol=6) == record
    assert {record, same, other} == {record, other}
    assert pickle.loads(pickle.dumps(record.replace(stream_id=7))).stream_id == 7
    with pytest.raises(AttributeError):
        record.protocol = 17


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("source_port", 65536, OverflowError),
        ("protocol", 256, OverflowError),
        ("packet_length", -1, OverflowError),
        ("timestamp", -1, OverflowError),
        ("source_ip", "10.0.0", ValueError),
        ("source_ip", 1 << 32, OverflowError),
    ],
)
def test_a_record_takes_no_value_that_does_not_fit(field, value, error):
    with pytest.raises(error):
        FlowRecord(**{field: value})


def test_older_names_are_there():
    assert flowgen.HAS_CPP_CORE is True
    assert flowgen.__version__.count(".") == 2
    assert flowgen.calculate_flows_per_second(40, 800) == 6_250_000
    for address in ("0.0.0.0", "192.168.1.1", "255.255.255.255"):
        assert flowgen.uint32_to_ip_str(flowgen.ip_str_to_uint32(address)) == address
    flowgen.seed_random(1)
    drawn = [flowgen.random_ipv4("192.0.2.0/30") for _ in range(50)]
    assert set(drawn) == {"192.0.2.1", "192.0.2.2"}
    assert {flowgen.random_port(5, 6) for _ in range(50)} == {5, 6}


# Configurations.


def test_a_configuration_is_a_file_a_text_or_a_dictionary(tmp_path):
    config = small(4)
    text = json.dumps(config)
    path = tmp_path / "four.json"
    path.write_text(text)
    toml = """
[generation]
max_flows = 4
start_timestamp = 1704067200
rate = { bandwidth_gbps = 10 }
[[traffic_patterns]]
type = "web_traffic"
percentage = 60
[[traffic_patterns]]
type = "dns_traffic"
percentage = 40
"""
    yaml = """
generation: {max_flows: 4, start_timestamp: 1704067200, rate: {bandwidth_gbps: 10}}
traffic_patterns: [{type: web_traffic, percentage: 60}, {type: dns_traffic, percentage: "${DNS}"}]
"""
    expected = list(FlowGenerator.from_config(config))
    assert len(expected) == 4
    for given in (path, str(path), text, toml, ConfigParser.load(path)):
        assert list(FlowGenerator.from_config(given)) == expected
    assert list(FlowGenerator.from_config(yaml, variables={"DNS": 40})) == expected
    assert list(FlowGenerator.from_config(toml, format="toml")) == expected
    assert list(FlowGenerator.from_config(config, seed=2)) != expected


def test_the_older_core_s_configuration_is_taken():
    config = flowgen.GeneratorConfig()
    config.flows_per_second = 1000
    config.max_flows = 5
    config.start_timestamp_ns = 7
    config.source_subnets = ["192.0.2.7/32"]
    config.destination_subnets = ["198.51.100.0/24"]
    pattern = flowgen.TrafficPattern()
    pattern.type, pattern.percentage = "ssh_traffic", 100
    config.traffic_patterns = [pattern]
    assert config.validate() is True
    flows = list(FlowGenerator.from_config(config))
    assert [flow.timestamp for flow in flows] == [7 + i * 10**6 for i in range(5)]
    assert {(flow.source_ip_str, flow.destination_port) for flow in flows} == {("192.0.2.7", 22)}
    config.traffic_patterns = []
    with pytest.raises(FlowError, match="`traffic_patterns` cannot be empty"):
        config.validate()


def test_a_wrong_configuration_is_told_with_key_line_and_remedy(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "generation:\n  max_flow: 3\n  rate: {bandwidth_gbps: 1}\ntraffic_patterns: [{type: random, percentage: 100}]\n"
    )
    with pytest.raises(ValueError) as wrong:
        FlowGenerator().initialize(path)
    message = str(wrong.value)
    assert "`generation.max_flow` unknown key" in message
    assert "wrong.yaml:2" in message
    assert message.endswith("hint: did you mean `max_flows`?")
    with pytest.raises(FileNotFoundError, match="Config file not found: nowhere.yaml"):
        FlowGenerator().initialize("nowhere.yaml")
    (tmp_path / "wrong.ini").write_text("")
    with pytest.raises(ValueError, match="unsupported config format"):
        FlowGenerator().initialize(tmp_path / "wrong.ini")
    with pytest.raises(ValueError, match="unknown pattern type: `web`"):
        FlowGenerator.from_config(small() | {"traffic_patterns": [{"type": "web", "percentage": 100}]})
    with pytest.raises(TypeError, match="a configuration is"):
        FlowGenerator.from_config(7)


def test_a_parsed_configuration_makes_the_same_flows(examples):
    checked = 0
    for path in sorted(examples.iterdir()):
        # `mix.json` is for others to include.
        if path.name == "mix.json":
            continue
        config = ConfigParser.load(path)
        assert config.validate() == (True, None), path
        assert bytes(FlowGenerator.from_config(config).next_batch(500)) == bytes(
            FlowGenerator.from_config(path).next_batch(500)
        ), path
        checked += 1
    assert checked >= 6


def test_a_failed_initialize_keeps_what_was_there():
    generator = FlowGenerator.from_config(small())
    with pytest.raises(FlowError):
        generator.initialize({})
    assert len(list(generator)) == 10


def test_defect_7_a_start_keeps_its_nanoseconds(tmp_path):
    """The older parser went through a float of seconds: all below 100 ns or so was lost."""
    path = tmp_path / "exact.yaml"
    path.write_text(
        "generation: {max_flows: 1, start_timestamp: 1704067200.123456789, rate: {bandwidth_gbps: 1}}\n"
        "traffic_patterns: [{type: random, percentage: 100}]\n"
    )
    exact = START * 10**9 + 123_456_789
    config = ConfigParser.load(path)
    assert config.generation.start_timestamp_ns == exact
    for given in (path, config):
        generator = FlowGenerator.from_config(given)
        assert generator.current_timestamp_ns == exact == next(generator).timestamp
        assert generator.get_stats().start_timestamp_ns == exact
    # The float is for convenience, and rounds: 238 ns are between one and the next.
    generator.reset()
    assert generator.current_timestamp == pytest.approx(exact / 1e9, abs=1e-6)
    assert int(generator.current_timestamp * 1e9) != exact
    config.generation.start_timestamp = 5.0
    assert FlowGenerator.from_config(config).current_timestamp_ns == 5 * 10**9


def test_defect_8_the_seed_is_in_the_configuration_and_reset_goes_back():
    """The older generator drew from one shared source seeded by time, and went on with it after `reset()`."""
    one, two = (FlowGenerator.from_config(small(1000, seed=9)) for _ in range(2))
    first = list(one)
    one.reset()
    assert first == list(one) == list(two)
    assert first != list(FlowGenerator.from_config(small(1000, seed=10)))


@pytest.mark.parametrize(
    "call",
    [
        next,
        lambda g: g.is_done(),
        lambda g: g.reset(),
        lambda g: g.get_stats(),
        lambda g: g.current_timestamp_ns,
        lambda g: g.next_batch(1),
        lambda g: g.fill(bytearray(32)),
        lambda g: g.checkpoint(),
        lambda g: flowgen.export_csv(g, "never.csv"),
    ],
)
def test_defect_12_a_generator_without_configuration_says_so(call, monkeypatch, tmp_path):
    """The older one followed a null pointer."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FlowError, match="no configuration yet\nhint: call `initialize"):
        call(FlowGenerator())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["dual_stack.toml", "campus.yaml"])
def test_defect_13_ipv6_is_made_and_older_formats_refuse_it_by_name(name, examples, tmp_path):
    """The older generator read an IPv6 subnet as an IPv4 one."""
    generator = FlowGenerator.from_config(examples / name)
    flows = [next(generator) for _ in range(1000)]
    assert generator.flow_count == 1000
    six = [flow for flow in flows if flow.flags & 2]
    assert 0 < len(six) < 1000
    for flow in flows:
        version = 6 if flow in six else 4
        for text, number in [
            (flow.source_ip_str, flow.source_ip),
            (flow.destination_ip_str, flow.destination_ip),
        ]:
            address = ipaddress.ip_address(text)
            assert (address.version, int(address)) == (version, number)
        assert flow.to_dict()["source_ip"] == flow.source_ip_str
        assert flow.last >= flow.first and flow.packets >= 1
    assert repr(six[0]).startswith(f"WideRecord([{six[0].source_ip_str}]:{six[0].source_port} -> [")
    generator.seek(999)
    again = next(generator)
    assert again == flows[999] and hash(again) == hash(flows[999]) and again != flows[0]
    for call in (
        lambda g: g.fill(bytearray(32)),
        lambda g: flowgen.export_csv(g, tmp_path / "never.csv"),
        lambda g: flowgen.export_json([g.next_batch(2)], tmp_path / "never.json"),
    ):
        with pytest.raises(FlowError, match="IPv6.*\nhint: "):
            call(generator)
    assert list(tmp_path.iterdir()) == []


# Places.


def test_seek_checkpoint_and_parts_give_the_same_records():
    generator = FlowGenerator.from_config(small(1000))
    flows = list(generator)
    generator.seek(500)
    assert next(generator) == flows[500]
    mark = generator.checkpoint()
    assert len(mark) == 32
    rest = list(generator)
    other = FlowGenerator.from_config(small(1000))
    other.restore(mark)
    assert list(other) == rest == flows[501:]

    generator.reset()
    parts = generator.split(7)
    assert [flow for part in parts for flow in part] == flows
    twin = generator.copy()
    next(twin)
    assert (generator.flow_count, twin.flow_count) == (0, 1)
    generator.seek(10**18)
    assert generator.is_done()

    with pytest.raises(FlowError, match="another configuration or seed"):
        FlowGenerator.from_config(small(1000), seed=77).restore(mark)
    with pytest.raises(FlowError, match="checkpoint: its checksum is wrong"):
        other.restore(mark[:-1] + bytes([mark[-1] ^ 1]))
    for parts in (0, 1 << 20):
        with pytest.raises(FlowError, match="cannot split"):
            generator.split(parts)


def test_a_stream_without_end_goes_on():
    endless = flowgen.GeneratorConfig(bandwidth_gbps=1)
    endless.source_subnets = endless.destination_subnets = ["10.0.0.0/8"]
    endless.traffic_patterns = [flowgen.TrafficPattern("random", 100)]
    generator = FlowGenerator.from_config(endless)
    assert generator.remaining is None
    assert len(generator.next_batch(100_000)) == 100_000
    assert not generator.is_done()


# Files.


def older_text(flows: list[FlowRecord], pretty: bool) -> str:
    """What the older exporter meant to write."""
    told = [flow.to_dict() for flow in flows]
    return json.dumps(told, indent=2) if pretty else json.dumps(told)


@pytest.mark.parametrize("flows", [0, 1, 2, 5000])
def test_files_are_the_same_from_every_kind_of_flows(flows, tmp_path):
    generator = FlowGenerator.from_config(small(max(flows, 1)))
    generator.seek(0 if flows else 1)
    start = generator.flow_count
    records = list(generator)
    assert len(records) == flows
    kinds = {
        "generator": lambda: generator,
        "batch": lambda: generator.next_batch(flows),
        "batches": lambda: generator.batches(1000),
        "records": lambda: records,
        "lazy": lambda: iter(records),
        "dictionaries": lambda: (record.to_dict() for record in records),
    }
    lines = [record.to_csv() + "\n" for record in records]
    header = FlowRecord.csv_header() + "\n"
    for name, given in kinds.items():
        path = tmp_path / name

        def written(export, *options, path=path, given=given):
            generator.seek(start)
            assert export(given(), path, *options) == flows
            return path.read_text()

        assert written(flowgen.export_csv) == header + "".join(lines)
        assert written(flowgen.export_csv, False) == "".join(lines)
        assert written(FlowExporter.stream_to_csv, 7) == header + "".join(lines)
        assert written(flowgen.export_json) == older_text(records, True)
        assert written(flowgen.export_json, False) == older_text(records, False)
        assert written(flowgen.export_jsonlines) == "".join(json.dumps(r.to_dict()) + "\n" for r in records)
    assert {path.name for path in tmp_path.iterdir()} == set(kinds)


def test_json_of_fast_records_works(tmp_path):
    """The older exporter called a method that the core's records did not have: JSON never came."""
    generator = FlowGenerator.from_config(small(3))
    records = list(generator)
    generator.reset()
    assert flowgen.export_json(generator, tmp_path / "flows.json") == 3
    read = json.loads((tmp_path / "flows.json").read_text())
    assert read == [record.to_dict() for record in records]


def test_defect_17_timestamps_beyond_53_bits_can_be_strings(tmp_path):
    generator = FlowGenerator.from_config(small(2, start_timestamp="1704067200.000000001"))
    exact = str(START * 10**9 + 1)
    assert int(float(exact)) != int(exact)
    flowgen.export_json(generator, tmp_path / "a.json", timestamps="strings")
    assert json.loads((tmp_path / "a.json").read_text(), parse_int=float)[0]["timestamp"] == exact
    with pytest.raises(FlowError, match="`timestamps` is 'text'"):
        flowgen.export_jsonlines(generator, tmp_path / "b.json", timestamps="text")


def test_a_file_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "kept.csv"
    path.write_text("as it was")

    def broken():
        yield from FlowGenerator.from_config(small())
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        flowgen.export_csv(broken(), path)
    for wrong in ([7], [{"src_ip": "10.0.0.1"}], ["text"]):
        with pytest.raises(FlowError):
            flowgen.export_csv(wrong, path)
    assert path.read_text() == "as it was"
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept.csv"]
    with pytest.raises(FileNotFoundError):
        flowgen.export_csv([], tmp_path / "no" / "folder.csv")
    with pytest.raises(OSError):
        flowgen.export_csv([], tmp_path)


def test_what_has_no_end_is_not_exported(tmp_path):
    endless = flowgen.GeneratorConfig(bandwidth_gbps=1, traffic_patterns=[flowgen.TrafficPattern("random", 100)])
    endless.source_subnets = endless.destination_subnets = ["10.0.0.0/8"]
    generator = FlowGenerator.from_config(endless)
    with pytest.raises(FlowError, match="no end to this file\nhint: set `max_flows`"):
        flowgen.export_csv(generator, tmp_path / "never.csv")
    with pytest.raises(FlowError, match="no end to this stream"):
        generator.__arrow_c_stream__()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_ctrl_c_ends_an_export_and_leaves_no_file(tmp_path):
    # Long enough that it cannot be over before the other thread has seen the file.
    generator = FlowGenerator.from_config(small(20_000_000))
    done = threading.Event()

    def interrupt():
        while not done.is_set():
            if any(tmp_path.iterdir()):
                os.kill(os.getpid(), signal.SIGINT)
                return

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            flowgen.export_csv(generator, tmp_path / "long.csv")
    finally:
        done.set()
        watcher.join()
    assert list(tmp_path.iterdir()) == []
    assert 0 < generator.flow_count < 20_000_000
