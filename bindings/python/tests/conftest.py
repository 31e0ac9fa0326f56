"""Captures made by hand, so that what comes out of them is known."""

import os
import signal
import struct
from pathlib import Path

import pytest


def ipv4(src: str, dst: str, protocol: int, payload: bytes) -> bytes:
    def octets(address: str) -> bytes:
        return bytes(int(part) for part in address.split("."))

    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0)
    return header + octets(src) + octets(dst) + payload


def udp(src: str, dst: str, ports: tuple[int, int], data: bytes) -> bytes:
    return ipv4(src, dst, 17, struct.pack("!HHHH", *ports, 8 + len(data), 0) + data)


def pcap(packets: list[tuple[int, bytes]]) -> bytes:
    """Raw IP packets with times in microseconds."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)]
    for micros, data in packets:
        seconds, rest = divmod(micros, 1_000_000)
        out.append(struct.pack("<IIII", 1_700_000_000 + seconds, rest, len(data), len(data)))
        out.append(data)
    return b"".join(out)


def exchanges(flows: int) -> bytes:
    """Flows of two packets, 10 ms apart: 5 bytes there, 7 back."""
    packets = []
    for number in range(flows):
        client, port = f"10.0.{number >> 8 & 255}.{number & 255}", 1024 + number % 60_000
        packets.append((number * 20_000, udp(client, "10.9.9.9", (port, 9999), b"there")))
        packets.append((number * 20_000 + 10_000, udp("10.9.9.9", client, (9999, port), b"go back")))
    return pcap(packets)


@pytest.fixture(autouse=True)
def interruptible():
    """Ctrl-C interrupts: a shell that starts the tests in the background has them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """A capture of three flows."""
    path = tmp_path / "three.pcap"
    path.write_bytes(exchanges(3))
    return path


@pytest.fixture(scope="session")
def long_capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of many flows: more rows than one batch."""
    path = tmp_path_factory.mktemp("long") / "many.pcap"
    path.write_bytes(exchanges(50_000))
    return path


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of public captures, if it is there."""
    root = Path(__file__).resolve().parents[3]
    path = Path(os.environ.get("RHEOS_CORPUS", root.parent / "shared" / "corpus"))
    if not path.is_dir():
        pytest.skip("the corpus of public captures is not here (RHEOS_CORPUS)")
    return path


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder of example configurations of flows."""
    return Path(__file__).resolve().parents[3] / "examples" / "flows"


@pytest.fixture
def example(examples: Path) -> Path:
    """The older generator's example: 100,000 flows."""
    return examples / "example_config.yaml"
