"""Flow records made at memory speed, by the names of the older ``flowgen`` package.

>>> from rheos.flowgen import FlowGenerator, export_csv
>>> generator = FlowGenerator()
>>> generator.initialize("example.yaml")
True
>>> for flow in generator:
...     if flow.destination_port == 443:
...         break
>>> generator.reset()
>>> export_csv(generator, "flows.csv")
100000

One by one is for few; batches are for many, as NumPy, Arrow, pandas or polars:

>>> batch = generator.from_config("example.yaml", seed=42).next_batch(65536, threads=2)
>>> int(batch.to_numpy()["protocol"].max())
17
>>> batch.to_polars().shape
(65536, 10)

A configuration is a file (YAML, JSON, TOML), its text, a dictionary, or an object of the older classes. The same
configuration and seed give the same records, everywhere and on any number of threads.

IPv6 subnets, and models of a real network (``realism``), make wide records: :class:`WideRecord` one by one,
``WIDE_DTYPE`` in memory, columns of totals in Arrow. CSV and JSON files have the older layout, which holds no such flow.
"""

from __future__ import annotations

import ipaddress
import random as _random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from os import PathLike, fspath
from typing import Any

from . import _rheos
from ._rheos import (
    VERSION,
    ConfigError,
    FlowBatch,
    FlowGenerator,
    FlowRecord,
    GeneratorStats,
    WideRecord,
)

__all__ = [
    "ConfigParser",
    "FlowBatch",
    "FlowError",
    "FlowExporter",
    "FlowGenConfig",
    "FlowGenerator",
    "FlowRecord",
    "GenerationConfig",
    "GeneratorConfig",
    "GeneratorStats",
    "HAS_CPP_CORE",
    "NetworkConfig",
    "PacketConfig",
    "RateConfig",
    "RealismConfig",
    "TrafficPattern",
    "TrafficPatternConfig",
    "WideRecord",
    "calculate_flows_per_second",
    "export_csv",
    "export_json",
    "export_jsonlines",
    "ip_str_to_uint32",
    "print_info",
    "random_ipv4",
    "random_ipv4_uint32",
    "random_port",
    "seed_random",
    "uint32_to_ip_str",
]

__version__: str = VERSION

#: The older package's word for "the fast core is there". It always is; it is written in Rust.
HAS_CPP_CORE = True

#: NumPy's type of one record of 32 bytes. Made when first asked for, so that NumPy need not be there.
RECORD_DTYPE: Any
#: NumPy's type of one record of 96 bytes, of IPv4 and IPv6: ``FlowGenerator.fill`` takes arrays of it.
WIDE_DTYPE: Any

#: A path, or anything that ``os.fspath`` takes.
Path = str | PathLike[str]
#: What can be exported: a generator, a batch, or records one by one.
Flows = FlowGenerator | FlowBatch | Iterable[FlowRecord | FlowBatch | Mapping[str, Any]]

_RECORD = [
    ("timestamp", "<u8"),
    ("source_ip", "<u4"),
    ("destination_ip", "<u4"),
    ("source_port", "<u2"),
    ("destination_port", "<u2"),
    ("packet_length", "<u4"),
    ("protocol", "u1"),
    ("flags", "u1"),
    ("pattern", "u1"),
    ("tcp_flags", "u1"),
    ("stream_id", "<u4"),
]
_WIDE = [
    *((name, "<u8") for name in ("first", "last", "bytes", "packets", "flow_id")),
    *((name, "u1", (16,)) for name in ("source_ip", "destination_ip")),
    ("stream_id", "<u4"),
    *((name, "<u2") for name in ("input_interface", "output_interface", "source_port", "destination_port")),
    *((name, "u1") for name in ("protocol", "tcp_flags", "tos", "flags")),
    *((name, "u1") for name in ("pattern", "label", "end_reason", "source_prefix")),
    ("source_as", "<u4"),
]


def __getattr__(name: str) -> Any:
    fields = {"RECORD_DTYPE": _RECORD, "WIDE_DTYPE": _WIDE}.get(name)
    if fields is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import numpy
    except ImportError as error:
        raise ImportError(f"{name} needs numpy: `pip install numpy`") from error
    return globals().setdefault(name, numpy.dtype(fields))


class FlowError(ConfigError, ValueError):
    """A configuration, record or piece of memory that cannot be: names key, line and remedy."""


def _batches(generator: FlowGenerator, count: int, threads: int) -> Iterator[FlowBatch]:
    while batch := generator.next_batch(count, threads=threads):
        yield batch


# Configurations as objects.


@dataclass
class TrafficPattern:
    """A kind of traffic and its percentage of the records."""

    #: ``web_traffic``, ``dns_traffic``, ``ssh_traffic``, ``database_traffic``, ``smtp_traffic``, ``ftp_traffic``,
    #: ``random``.
    type: str = "random"
    #: 0 to 100; those of all patterns sum to 100.
    percentage: float = 0.0


@dataclass
class GeneratorConfig:
    """A configuration field by field, as the older C++ core took it; 0 means "not set".

    >>> config = GeneratorConfig(bandwidth_gbps=1, max_flows=3, source_subnets=["192.0.2.0/24"])
    >>> config.destination_subnets = ["198.51.100.0/24"]
    >>> config.traffic_patterns = [TrafficPattern("dns_traffic", 100)]
    >>> [flow.destination_port for flow in FlowGenerator.from_config(config)]
    [53, 53, 53]
    """

    #: Gigabits per second; goes before ``flows_per_second``.
    bandwidth_gbps: float = 0.0
    #: Records per second.
    flows_per_second: float = 0.0
    #: How many records.
    max_flows: int = 0
    #: Over how much simulated time.
    duration_seconds: float = 0.0
    #: The first record's moment; 0 is 2024-01-01 (it was "now"), so that runs can be repeated.
    start_timestamp_ns: int = 0
    #: Where clients are.
    source_subnets: list[str] = field(default_factory=list)
    #: Where servers are.
    destination_subnets: list[str] = field(default_factory=list)
    #: Percentages; none for equal shares.
    source_weights: list[float] = field(default_factory=list)
    #: Percentages; none for equal shares.
    destination_weights: list[float] = field(default_factory=list)
    #: No record is shorter.
    min_packet_size: int = 64
    #: No record is longer.
    max_packet_size: int = 1500
    #: The mean of all lengths; 0 leaves the patterns' own.
    average_packet_size: int = 800
    #: ``none`` or ``random``.
    bidirectional_mode: str = "none"
    #: How likely it is that a record runs from server to client.
    bidirectional_probability: float = 0.5
    #: Kinds of traffic.
    traffic_patterns: list[TrafficPattern] = field(default_factory=list)
    #: All randomness follows from it.
    seed: int = 1
    #: Goes into every record.
    stream_id: int = 0

    def validate(self) -> bool:
        """True, or a :class:`FlowError` that says what is wrong."""
        _rheos.flow_settings(self)
        return True


@dataclass
class RateConfig:
    """How fast the clock goes; the bandwidth goes before the records."""

    bandwidth_gbps: float | None = None
    flows_per_second: float | None = None


@dataclass
class GenerationConfig:
    """How many records, when and how fast."""

    max_flows: int | None = None
    duration_seconds: float | None = None
    rate: RateConfig = field(default_factory=RateConfig)
    #: Seconds since the epoch: a float, which rounds to about 200 ns. A text keeps every digit.
    start_timestamp: float | str | None = None
    bidirectional_mode: str = "none"
    bidirectional_probability: float = 0.5
    seed: int = 1
    stream_id: int = 0
    #: Only records before it: seconds since the epoch, or a time like ``2024-01-01T00:00:00Z``.
    end_timestamp: float | str | None = None
    #: What a file said, to the nanosecond; counts as long as ``start_timestamp`` is the same moment.
    start_timestamp_ns: int | None = None


@dataclass
class TrafficPatternConfig:
    """A kind of traffic; ``config`` is for other tools and has no effect."""

    type: str = "random"
    percentage: float = 0.0
    config: dict[str, Any] = field(default_factory=dict)
    #: Of ``type="service"``: what no pattern knows, with distributions of its own.
    name: str | None = None
    protocol: str | int | None = None
    ports: list[Any] | None = None
    packets: dict[str, Any] | None = None
    bytes_per_packet: dict[str, Any] | None = None
    gap_ms: dict[str, Any] | None = None
    reply: dict[str, Any] | None = None
    dscp: str | int | None = None


@dataclass
class NetworkConfig:
    """Where clients and servers are."""

    source_subnets: list[str] = field(default_factory=lambda: ["192.168.1.0/24"])
    destination_subnets: list[str] = field(default_factory=lambda: ["10.0.0.0/8"])
    source_weights: list[float] | None = None
    destination_weights: list[float] | None = None
    #: What routers know of networks: ``{"network": ..., "as": ..., "interface": ...}``.
    routes: list[dict[str, Any]] | None = None


@dataclass
class PacketConfig:
    """Lengths in bytes."""

    min_size: int = 64
    max_size: int = 1500
    average_size: int | None = None


@dataclass
class RealismConfig:
    """Models of a real network; its flows are wide records."""

    #: ``patterns``, ``agh_2015`` or ``services``.
    sizes: str = "patterns"
    #: ``even``, ``poisson`` or ``bursty``.
    arrivals: str = "even"
    #: The exponent of Zipf's law for hosts, 0.5 to 2; None for equal hosts.
    host_exponent: float | None = None
    #: Both directions of every flow: ``True``, or a dictionary of its keys.
    conversations: Any = None
    #: Whether servers own ports.
    service_affinity: Any = None
    #: How a router cuts long flows: ``"300s"``.
    active_timeout: str | None = None
    inactive_timeout: str | None = None
    #: The bias of ``bursty`` arrivals, 0.5 to 0.95.
    burst_bias: Any = None
    #: The rate by the hour of the day.
    diurnal: dict[str, Any] | None = None
    #: The rate by steps and ramps.
    schedule: list[Any] | None = None


@dataclass
class FlowGenConfig:
    """A whole configuration, as :class:`ConfigParser` reads it.

    >>> config = ConfigParser.load("example.yaml")
    >>> config.generation.rate.bandwidth_gbps, config.network.source_weights
    (10.0, [70.0, 30.0])
    >>> config.generation.max_flows = 2
    >>> len(list(FlowGenerator.from_config(config)))
    2
    >>> config.packets.max_size = 10
    >>> config.validate()
    (False, 'invalid configuration: `packets.max_size` (10) must be >= `packets.min_size` (64)...')
    """

    generation: GenerationConfig = field(default_factory=GenerationConfig)
    traffic_patterns: list[TrafficPatternConfig] = field(default_factory=list)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    packets: PacketConfig = field(default_factory=PacketConfig)
    realism: RealismConfig = field(default_factory=RealismConfig)
    #: Labelled attacks, as in a file.
    attacks: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The sections as a file would have them."""
        sections = asdict(self)
        patterns = sections["traffic_patterns"]
        sections["traffic_patterns"] = [
            {key: value for key, value in pattern.items() if value is not None} for pattern in patterns
        ]
        generation = sections["generation"]
        exact = generation.pop("start_timestamp_ns")
        if exact is not None and generation["start_timestamp"] == exact / 1e9:
            generation["start_timestamp"] = f"{exact // 10**9}.{exact % 10**9:09}"
        return sections

    def validate(self) -> tuple[bool, str | None]:
        """Whether it can be carried out, and if not, why."""
        try:
            _rheos.flow_settings(self.to_dict())
        except FlowError as error:
            return False, str(error)
        return True, None


class ConfigParser:
    """Reads configuration files."""

    @staticmethod
    def load(config_path: Path) -> FlowGenConfig:
        """The configuration of a file (``.yaml``, ``.yml``, ``.json``, ``.toml``), checked.

        :raises FileNotFoundError: there is no such file.
        :raises FlowError: it is wrong; a ``ValueError``.
        """
        sections = _rheos.flow_settings(fspath(config_path))
        generation = sections["generation"]
        start = generation.pop("start_timestamp")
        whole, _, fraction = start.partition(".")
        duration = generation.pop("duration_seconds")
        return FlowGenConfig(
            GenerationConfig(
                **generation | {"rate": RateConfig(**generation["rate"])},
                start_timestamp=float(start),
                start_timestamp_ns=int(whole) * 10**9 + int(fraction),
                duration_seconds=None if duration is None else float(duration),
            ),
            [TrafficPatternConfig(**pattern) for pattern in sections["traffic_patterns"]],
            NetworkConfig(**sections["network"]),
            PacketConfig(**sections["packets"]),
            RealismConfig(**sections["realism"]),
            sections["attacks"],
        )


# Files.


def export_csv(flows: Flows, filename: Path, include_header: bool = True) -> int:
    """Writes flows as CSV and says how many.

    A generator is written as it is, without a Python object for any record. The file appears when it is whole.

    >>> export_csv([FlowRecord("192.0.2.1", "192.0.2.2", 50000, 53, 17, 1, 64)], "one.csv")
    1
    >>> open("one.csv").read()
    'timestamp,src_ip,dst_ip,src_port,dst_port,protocol,length\\n1,192.0.2.1,192.0.2.2,50000,53,17,64\\n'
    """
    return FlowExporter.export_to_csv(flows, filename, include_header)


def export_json(flows: Flows, filename: Path, pretty: bool = True, *, timestamps: str = "numbers") -> int:
    """Writes flows as one JSON array and says how many.

    :param pretty: indented by 2, else in one line.
    :param timestamps: ``strings`` for readers that know 53 bits only, such as JavaScript: they would round the numbers.

    >>> import json
    >>> export_json([FlowRecord("192.0.2.1", "192.0.2.2", 50000, 53, 17, 1, 64)], "one.json", pretty=False)
    1
    >>> json.load(open("one.json"))[0]["src_ip"]
    '192.0.2.1'
    """
    return FlowExporter.export_to_json(flows, filename, pretty, timestamps=timestamps)


def export_jsonlines(flows: Flows, filename: Path, *, timestamps: str = "numbers") -> int:
    """Writes flows as JSON Lines and says how many.

    >>> export_jsonlines([FlowRecord("192.0.2.1", "192.0.2.2", 50000, 53, 17, 1, 64)], "one.jsonl")
    1
    >>> open("one.jsonl").read()
    '{"src_ip": "192.0.2.1", "dst_ip": "192.0.2.2", ... "timestamp": 1, "length": 64}\\n'
    """
    return FlowExporter.export_to_jsonlines(flows, filename, timestamps=timestamps)


def _strings(timestamps: str) -> bool:
    if timestamps not in ("numbers", "strings"):
        raise FlowError(f"`timestamps` is {timestamps!r}\nhint: use 'numbers' or 'strings'")
    return timestamps == "strings"


class FlowExporter:
    """Writes flows into files, each of which appears when it is whole."""

    @staticmethod
    def export_to_csv(flows: Flows, filename: Path, include_header: bool = True) -> int:
        """As :func:`export_csv`."""
        return _rheos.export_flows(flows, fspath(filename), "csv" if include_header else "csv-without-header")

    @staticmethod
    def export_to_json(
        flows: Flows, filename: Path, pretty: bool = True, *, timestamps: str = "numbers"
    ) -> int:
        """As :func:`export_json`."""
        kind = "json-pretty" if pretty else "json"
        return _rheos.export_flows(flows, fspath(filename), kind, strings=_strings(timestamps))

    @staticmethod
    def export_to_jsonlines(flows: Flows, filename: Path, *, timestamps: str = "numbers") -> int:
        """As :func:`export_jsonlines`."""
        return _rheos.export_flows(flows, fspath(filename), "jsonl", strings=_strings(timestamps))

    @staticmethod
    def stream_to_csv(
        flows: Flows, filename: Path, batch_size: int = 1000, include_header: bool = True
    ) -> int:
        """As :func:`export_csv`, with so many records gathered before they are written. Memory stays flat either way."""
        if batch_size < 1:
            raise FlowError(f"`batch_size` is {batch_size}\nhint: use 1 or more")
        kind = "csv" if include_header else "csv-without-header"
        return _rheos.export_flows(flows, fspath(filename), kind, batch_size=batch_size)


# Small things that the older package had.


def print_info() -> None:
    """Prints what this is.

    >>> print_info()
    FlowGen of Rheos v...
    Core: available (Rust)
    """
    print(f"FlowGen of Rheos v{__version__}\nCore: available (Rust)")


def calculate_flows_per_second(bandwidth_gbps: float, average_packet_size: float) -> float:
    """Records per second that come to a bandwidth.

    >>> calculate_flows_per_second(10, 800)
    1562500.0
    """
    return bandwidth_gbps * 1e9 / 8 / average_packet_size


def ip_str_to_uint32(address: str) -> int:
    """An IPv4 address as a number in host order.

    >>> ip_str_to_uint32("192.168.1.1")
    3232235777
    """
    return int(ipaddress.IPv4Address(address))


def uint32_to_ip_str(address: int) -> str:
    """A number in host order as an IPv4 address.

    >>> uint32_to_ip_str(3232235777)
    '192.168.1.1'
    """
    return str(ipaddress.IPv4Address(address))


_dice = _random.Random()


def seed_random(seed: int) -> None:
    """Makes the ``random_`` functions repeatable. Generators have their own seed and do not change.

    >>> seed_random(7); first = random_ipv4()
    >>> seed_random(7); random_ipv4() == first
    True
    """
    _dice.seed(seed)


def random_ipv4_uint32(subnet: str = "") -> int:
    """A host of an IPv4 subnet, as a number; of the public unicast range without one.

    >>> 0x0A000000 < random_ipv4_uint32("10.0.0.0/8") < 0x0AFFFFFF
    True
    """
    if not subnet:
        octets = (_dice.randint(1, 223), _dice.randint(0, 255), _dice.randint(0, 255), _dice.randint(1, 254))
        return int.from_bytes(bytes(octets), "big")
    net = ipaddress.IPv4Network(subnet, strict=False)
    first, last = int(net.network_address), int(net.broadcast_address)
    # A /31 and a /32 have no network and broadcast addresses (RFC 3021).
    edge = 1 if net.prefixlen < 31 else 0
    return _dice.randint(first + edge, last - edge)


def random_ipv4(subnet: str = "") -> str:
    """A host of an IPv4 subnet; of the public unicast range without one.

    >>> random_ipv4("192.0.2.7/32")
    '192.0.2.7'
    """
    return uint32_to_ip_str(random_ipv4_uint32(subnet))


def random_port(min_port: int = 1024, max_port: int = 65535) -> int:
    """A port, both ends included.

    >>> random_port(53, 53)
    53
    """
    return _dice.randint(min_port, max_port)
