"""Rows out of captures."""

from datetime import timedelta

import numpy
import pandas
import polars
import pyarrow
import pytest
import rheos

COLUMNS = ["src_ip", "dst_port", "duration", "total_packets", "payload_bytes_total", "packets_ratio"]


def test_three_lines_give_a_data_frame(capture):
    frame = rheos.extract(capture, columns=COLUMNS).to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == COLUMNS
    assert frame["src_ip"].tolist() == ["10.0.0.0", "10.0.0.1", "10.0.0.2"]
    assert frame["payload_bytes_total"].tolist() == [12, 12, 12]
    assert frame["duration"].tolist() == pytest.approx([0.01] * 3)


def test_every_library_gets_the_same_rows(capture):
    rows = rheos.extract(str(capture), groups="flow_meta")
    table = rows.to_arrow()
    assert isinstance(table, pyarrow.Table)
    assert table.num_rows == len(rows) == 3
    assert table.schema.field("duration").metadata[b"unit"] == b"s"
    frame = rows.to_polars()
    assert isinstance(frame, polars.DataFrame)
    assert frame["total_bytes"].to_list() == table["total_bytes"].to_pylist()
    assert frame.columns == table.column_names == rows.column_names


def test_arrow_crosses_without_a_copy(capture):
    rows = rheos.extract(capture, columns=["total_packets"])

    def address() -> int:
        return rows.to_arrow()["total_packets"].chunk(0).buffers()[1].address

    assert address() == address()


def test_a_matrix_has_names_and_nan_for_null(tmp_path):
    from conftest import pcap, udp

    lone = tmp_path / "lone.pcap"
    lone.write_bytes(pcap([(0, udp("10.0.0.1", "10.0.0.2", (1, 2), b"x"))]))
    values, names = rheos.extract(lone, columns=["src_ip", "dst_port", "start_time", "iat_mean", "tcp_is_tcp"]).to_numpy()
    assert names == ["dst_port", "start_time", "iat_mean", "tcp_is_tcp"]
    assert values.shape == (1, 4) and values.dtype == numpy.float64
    assert values[0, :2].tolist() == [2.0, 1_700_000_000.0]
    assert numpy.isnan(values[0, 2]) and values[0, 3] == 0.0


def test_the_summary_accounts_for_every_packet(capture):
    summary = rheos.extract(capture).summary
    assert summary["frames"] == summary["packets"] == 6
    assert summary["rows"] == 3 and summary["drops"] == {}


def test_options_are_those_of_the_command_line(capture):
    def count(**options):
        return len(rheos.extract(capture, **options))

    assert count(filter="host 10.0.0.1") == 1
    assert count(count=2) == 1
    assert count(idle_timeout="5ms") == count(idle_timeout=0.005) == 6
    assert count(idle_timeout=timedelta(milliseconds=5)) == 6
    assert count(threads=1) == count(threads=2) == 3


def test_rows_do_not_depend_on_threads(long_capture):
    one = rheos.extract(long_capture, threads=1).to_arrow()
    two = rheos.extract(long_capture, threads=2).to_arrow()
    assert one.num_rows == 50_000
    assert one.equals(two)


def test_several_captures_are_one_stream(tmp_path):
    from conftest import pcap, udp

    for number in range(3):
        packet = udp("10.0.0.1", "10.0.0.2", (1, 2), b"x")
        (tmp_path / f"{number}.pcap").write_bytes(pcap([(number * 1000, packet)]))
    assert len(rheos.extract(tmp_path)) == 1
    assert len(rheos.extract([tmp_path / "0.pcap", tmp_path / "2.pcap"])) == 1


def test_pseudonyms_depend_on_the_key_alone(capture):
    def sources(**options):
        return rheos.extract(capture, columns=["src_ip"], **options).to_arrow()["src_ip"].to_pylist()

    hidden = sources(anonymize_key=b"sixteen bytes, or more")
    assert hidden == sources(anonymize_key=b"sixteen bytes, or more", threads=2)
    assert set(hidden).isdisjoint(sources())
    assert len({address.rsplit(".", 1)[0] for address in hidden}) == 1
    assert "src_ip" not in rheos.extract(capture, ips=False).column_names


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"idel_timeout": 5}, "did you mean `idle_timeout`"),
        ({"idle_timeout": "5 parsecs"}, "wrong value of `idle_timeout`"),
        ({"idle_timeout": -1}, "wrong value of `idle_timeout`"),
        ({"tunnels": "middle"}, "'inner', 'outer'"),
        ({"filter": "tcp and prot 80"}, "unknown word `prot`"),
        ({"columns": ["iat_maen"]}, "iat_mean"),
        ({"groups": "timming"}, "timing"),
        ({"exclude": ["all"]}, "leaves no column"),
        ({"anonymize_key": b"short"}, "at least 16"),
        ({"count": -1}, "whole number"),
    ],
)
def test_wrong_options_are_told_with_the_next_step(capture, options, message):
    with pytest.raises(rheos.ConfigError, match=None) as told:
        rheos.extract(capture, **options)
    assert message in str(told.value)


def test_captures_that_cannot_be_read_are_told(tmp_path, capture):
    with pytest.raises(rheos.CaptureError, match=r"missing\.pcap"):
        rheos.extract(tmp_path / "missing.pcap")
    (tmp_path / "page.html").write_text("<!doctype html>")
    with pytest.raises(rheos.CaptureError, match=r"page\.html"):
        rheos.extract(tmp_path / "page.html")
    assert issubclass(rheos.CaptureError, rheos.RheosError)


def test_a_damaged_capture_gives_its_rows_and_a_warning(tmp_path, capture):
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(capture.read_bytes()[:-3])
    with pytest.warns(rheos.DamagedCapture, match="damaged at byte"):
        rows = rheos.extract(cut)
    assert len(rows) == 3 and len(rows.damage) == 1


def test_the_corpus_gives_rows(corpus):
    rows = rheos.extract(corpus / "bench.pcap.zst", profile="core")
    assert rows.summary["frames"] == 39_662
    assert len(rows) == rows.summary["rows"] > 1000


def test_columns_are_described():
    known = {column["name"]: column for column in rheos.columns()}
    assert known["iat_mean"]["unit"] == "s" and known["iat_mean"]["group"] == "timing"
    assert "timing" in rheos.groups()
    assert len(rheos.columns(profile="core")) < len(known)


def test_the_columns_of_other_tools(capture):
    frame = rheos.extract(capture, profile="nfstream", columns="app_rule").to_pandas()
    assert list(frame.columns[:2]) == ["src_ip", "src_mac"]
    assert frame.columns[-1] == "app_rule"
    assert frame["bidirectional_duration_ms"].tolist() == pytest.approx([10.0] * 3)
    rows = rheos.extract(capture, profile="cicflowmeter", ips=False)
    assert "Src IP" not in rows.column_names and "Src Port" in rows.column_names
    assert rows.to_arrow()["Flow Duration"].to_pylist() == pytest.approx([10_000.0] * 3)
    told = {column["name"]: column for column in rheos.columns(profile="nfstream")}
    assert told["bidirectional_duration_ms"]["from"] == "duration * 1000"
    with pytest.raises(rheos.ConfigError, match="has no groups"):
        rheos.extract(capture, profile="nfstream", groups="timing")
