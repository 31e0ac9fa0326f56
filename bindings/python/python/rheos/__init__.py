"""Captures into flows and hundreds of typed features. Flow records made at memory speed are in :mod:`rheos.flowgen`.

>>> import rheos
>>> rows = rheos.extract("capture.pcap", groups=["flow_meta", "timing"])
>>> rows.to_pandas()[["src_ip", "total_packets", "iat_mean"]]
     src_ip  total_packets  iat_mean
0  10.0.0.0              2      0.01
1  10.0.0.1              2      0.01
2  10.0.0.2              2      0.01

Rows cross into Arrow, pandas and polars by the Arrow PyCapsule interface, without a copy where those libraries need none.
Every option of the command line's ``flow``, ``decode`` and ``features`` settings is a keyword argument of the same name.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike, fspath
from typing import Any

from . import _rheos
from ._rheos import CaptureError, ConfigError, RheosError

__all__ = [
    "Batch",
    "CaptureError",
    "ConfigError",
    "DamagedCapture",
    "RheosError",
    "Rows",
    "Stream",
    "columns",
    "extract",
    "flowgen",
    "groups",
    "packets",
    "stream",
]

__version__: str = _rheos.VERSION

Paths = str | PathLike[str] | Iterable[str | PathLike[str]]
Names = str | Iterable[str] | None
#: Gets the rows as a :class:`pyarrow.RecordBatch`, gives a column: anything that ``pyarrow.array`` takes.
ColumnFunction = Callable[[Any], Any]
#: Gets one flow as a dictionary; gives further columns for it, or None.
FlowHook = Callable[[dict[str, Any]], Mapping[str, Any] | None]


class DamagedCapture(UserWarning):
    """A capture was damaged; everything before the damage was read."""


def _needs(module: str, what: str) -> Any:
    """The module, or an error that says how to get it."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{what} needs {module}: `pip install {module}`") from error


class _Tabular:
    """What rows, batches and tables with further columns have in common."""

    def to_arrow(self) -> Any:
        """The rows as a :class:`pyarrow.Table`."""
        return _needs("pyarrow", "to_arrow()").table(self)

    def to_pandas(self, **options: Any) -> Any:
        """The rows as a :class:`pandas.DataFrame`; options are those of ``pyarrow.Table.to_pandas``."""
        _needs("pandas", "to_pandas()")
        return self.to_arrow().to_pandas(**options)

    def to_polars(self) -> Any:
        """The rows as a :class:`polars.DataFrame`."""
        return _needs("polars", "to_polars()").DataFrame(self)


class Batch(_Tabular):
    """Some rows of a stream.

    >>> for batch in rheos.stream("capture.pcap", columns=["total_packets"]):
    ...     print(len(batch), batch.column_names, batch.to_arrow()["total_packets"].to_pylist())
    3 ['total_packets'] [2, 2, 2]
    """

    def __init__(self, inner: _rheos.Batch) -> None:
        self._inner = inner

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._inner)

    @property
    def column_names(self) -> list[str]:
        """Names of the columns."""
        return self._inner.column_names

    def to_arrow(self) -> Any:
        """The rows as a :class:`pyarrow.RecordBatch`."""
        return _needs("pyarrow", "to_arrow()").record_batch(self)

    def to_numpy(self) -> tuple[Any, list[str]]:
        """As :meth:`Rows.to_numpy`."""
        return _matrix(self._inner)

    def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
        """Schema and rows, by the Arrow PyCapsule interface."""
        return self._inner.__arrow_c_array__(requested_schema)

    def __arrow_c_schema__(self) -> Any:
        """The schema, by the Arrow PyCapsule interface."""
        return self._inner.__arrow_c_schema__()

    def __repr__(self) -> str:
        return repr(self._inner)


class Rows(_Tabular):
    """One row per flow (or packet), with the accounts of the run.

    >>> rows = rheos.extract("capture.pcap", columns=["src_ip", "total_packets"])
    >>> len(rows), rows.column_names
    (3, ['src_ip', 'total_packets'])
    >>> rows.summary["packets"], rows.summary["drops"], rows.damage
    (6, {}, [])
    >>> rows.to_arrow().num_rows
    3
    >>> rows.to_polars()["total_packets"].sum()
    6
    >>> matrix, names = rows.to_numpy()
    >>> matrix.shape, names
    ((3, 1), ['total_packets'])
    >>> [len(batch) for batch in rows]
    [3]
    """

    def __init__(self, inner: _rheos.Rows) -> None:
        self._inner = inner

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._inner)

    def __iter__(self) -> Iterator[Batch]:
        """The batches that the rows came in."""
        return (Batch(batch) for batch in self._inner.batches())

    @property
    def column_names(self) -> list[str]:
        """Names of the columns."""
        return self._inner.column_names

    @property
    def summary(self) -> dict[str, Any]:
        """The accounts: frames, packets, bytes, rows, and drops by reason."""
        return self._inner.summary

    @property
    def damage(self) -> list[str]:
        """Where captures were damaged, in words; empty when all is well."""
        return self._inner.damage

    def to_numpy(self) -> tuple[Any, list[str]]:
        """All numeric columns as one matrix of doubles, rows by columns, and their names.

        Null is NaN, true is 1, times are seconds since the epoch; texts and lists are left out.
        """
        return _matrix(self._inner)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows as an Arrow C stream, by the Arrow PyCapsule interface."""
        return self._inner.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> Any:
        """The schema, by the Arrow PyCapsule interface."""
        return self._inner.__arrow_c_schema__()

    def __repr__(self) -> str:
        return repr(self._inner)


def _matrix(inner: _rheos.Rows | _rheos.Batch) -> tuple[Any, list[str]]:
    numpy = _needs("numpy", "to_numpy()")
    names, values = inner.numeric()
    return numpy.frombuffer(values).reshape(len(names), len(inner)).T, names


class Extended(_Tabular):
    """Rows with columns of the caller's own: a thin coat around a :class:`pyarrow.Table`.

    >>> rows = rheos.extract("capture.pcap", columns=["bytes_fwd"], on_flow=lambda flow: {"kB": flow["bytes_fwd"] / 1000})
    >>> rows.column_names, rows.to_arrow()["kB"].to_pylist()
    (['bytes_fwd', 'kB'], [0.033, 0.033, 0.033])
    """

    def __init__(self, table: Any, summary: dict[str, Any], damage: list[str]) -> None:
        self._table = table
        #: The accounts of the run, as :attr:`Rows.summary`.
        self.summary = summary
        #: Where captures were damaged, in words.
        self.damage = damage

    def __len__(self) -> int:
        """Number of rows."""
        return self._table.num_rows

    @property
    def column_names(self) -> list[str]:
        """Names of the columns."""
        return self._table.column_names

    def to_arrow(self) -> Any:
        """The rows as a :class:`pyarrow.Table`."""
        return self._table

    def to_numpy(self) -> tuple[Any, list[str]]:
        """As :meth:`Rows.to_numpy`."""
        arrow, numpy = _needs("pyarrow", "to_numpy()"), _needs("numpy", "to_numpy()")
        names, columns = [], []
        for name, column in zip(self._table.column_names, self._table.columns):
            kind = column.type
            if arrow.types.is_timestamp(kind):
                column = column.cast(arrow.int64()).cast(arrow.float64(), safe=False)
                values = column.to_numpy() / 1e9
            elif arrow.types.is_boolean(kind):
                values = column.cast(arrow.uint8()).cast(arrow.float64()).to_numpy()
            elif arrow.types.is_integer(kind) or arrow.types.is_floating(kind):
                values = column.cast(arrow.float64(), safe=False).to_numpy()
            else:
                continue
            names.append(name)
            columns.append(values)
        if not columns:
            return numpy.empty((len(self), 0)), []
        return numpy.column_stack(columns), names

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows as an Arrow C stream, by the Arrow PyCapsule interface."""
        return self._table.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"<rheos.Extended: {len(self)} rows, {len(self.column_names)} columns>"


class Stream(_Tabular):
    """Rows as they come: an iterator over :class:`Batch`, or an Arrow C stream.

    Memory stays flat however long the captures are. Leaving a ``with`` block ends the run.

    >>> with rheos.stream("capture.pcap", columns=["total_packets"]) as rows:
    ...     flows = sum(len(batch) for batch in rows)
    >>> flows, rows.summary["rows"], rows.progress[2]
    (3, 3, 6)
    """

    def __init__(self, inner: _rheos.Stream) -> None:
        self._inner = inner

    def __iter__(self) -> Stream:
        """The stream itself."""
        return self

    def __next__(self) -> Batch:
        """The next rows; after the last, damage of the captures is warned of."""
        try:
            return Batch(next(self._inner))
        except StopIteration:
            _warn(self.damage)
            raise

    def __enter__(self) -> Stream:
        """The stream itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the run, as :meth:`close`."""
        self.close()

    def close(self) -> None:
        """Ends the run; what was not taken is lost."""
        self._inner.close()

    @property
    def column_names(self) -> list[str]:
        """Names of the columns."""
        return self._inner.column_names

    @property
    def summary(self) -> dict[str, Any] | None:
        """The accounts of the run once all rows were taken, else None."""
        return self._inner.summary

    @property
    def damage(self) -> list[str]:
        """Where captures were damaged, in words, once all rows were taken."""
        return self._inner.damage

    @property
    def progress(self) -> tuple[int, int | None, int]:
        """(bytes read, bytes of all captures or None, packets read) so far."""
        return self._inner.progress

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows as an Arrow C stream, by the Arrow PyCapsule interface."""
        return self._inner.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> Any:
        """The schema, by the Arrow PyCapsule interface."""
        return self._inner.__arrow_c_schema__()

    def __repr__(self) -> str:
        return repr(self._inner)


def _warn(damage: Sequence[str]) -> None:
    for place in damage:
        warnings.warn(place, DamagedCapture, stacklevel=3)


def _paths(paths: Paths) -> list[str]:
    if isinstance(paths, (str, PathLike)):
        return [fspath(paths)]
    return [fspath(path) for path in paths]


def _names(names: Names) -> list[str]:
    if names is None:
        return []
    return [names] if isinstance(names, str) else list(names)


def extract(
    paths: Paths,
    *,
    profile: str = "default",
    groups: Names = None,
    columns: Names = None,
    exclude: Names = None,
    add: Mapping[str, ColumnFunction] | None = None,
    on_flow: FlowHook | None = None,
    progress: bool | Callable[[int, int | None, int], None] = False,
    **options: Any,
) -> Rows | Extended:
    """One row per flow of the captures.

    :param paths: capture files and folders of them, read as one stream in this order.
    :param profile: how many columns: ``core``, ``extended``, ``experimental``, ``all``; ``default`` is ``core``, or all
        but the optional columns of the groups that are named. Or the columns of another tool: ``nfstream``,
        ``cicflowmeter``; then ``columns`` come behind them.
    :param groups: only these groups of columns.
    :param columns: only these columns, or also these beside the groups.
    :param exclude: without these columns or groups.
    :param add: further columns, each a function of a :class:`pyarrow.RecordBatch` of rows.
    :param on_flow: called with every flow as a dictionary; what it gives becomes further columns. Slow beside ``add``.
    :param progress: True for a line on standard error, or a function of (bytes read, bytes in all or None, packets).
    :param options: ``idle_timeout="30s"``, ``filter="tcp port 443"``, ``threads=2``, ``anonymize_key=…``; all of them
        by ``rheos._rheos.option_names()``.
    :raises ConfigError: an option, column or filter that cannot be.
    :raises CaptureError: a capture that cannot be read. A damaged one gives its rows and a :class:`DamagedCapture` warning.

    >>> rheos.extract("capture.pcap", profile="core", filter="udp and net 10.0.0.0/8", idle_timeout="30s")
    <rheos.Rows: 3 rows, ... columns>
    >>> rheos.extract("capture.pcap", groups=["timing", "size"], exclude="iat_p99", threads=2).to_pandas().shape[0]
    3

    Columns of one's own, over a batch at once (fast) or flow by flow (slow):

    >>> import pyarrow.compute as compute
    >>> share = lambda batch: compute.divide(batch["bytes_fwd"].cast("double"), batch["total_bytes"].cast("double"))
    >>> rheos.extract("capture.pcap", groups="flow_meta", add={"share": share}).to_pandas()["share"].round(3).tolist()
    [0.485, 0.485, 0.485]
    """
    chosen = profile, _names(groups), _names(columns), _names(exclude)
    show = _progress_line if progress is True else progress or None
    if not add and on_flow is None:
        try:
            inner = _rheos.extract(_paths(paths), *chosen, options, show)
        finally:
            if progress is True:
                _progress_end()
        _warn(inner.damage)
        return Rows(inner)
    arrow = _needs("pyarrow", "`add` and `on_flow`")
    batches = []
    with stream(
        paths, profile=profile, groups=groups, columns=columns, exclude=exclude, **options
    ) as rows:
        schema = arrow.schema(rows)
        for batch in rows:
            batches.append(_with_columns(arrow, batch.to_arrow(), add or {}, on_flow))
            if show is not None:
                show(*rows.progress)
        if progress is True:
            _progress_end()
        table = arrow.concat_tables(
            [arrow.Table.from_batches([batch]) for batch in batches], promote_options="default"
        ) if batches else schema.empty_table()
        return Extended(table, rows.summary or {}, rows.damage)


def _with_columns(
    arrow: Any, batch: Any, add: Mapping[str, ColumnFunction], on_flow: FlowHook | None
) -> Any:
    for name, function in add.items():
        column = function(batch)
        array = column if isinstance(column, (arrow.Array, arrow.ChunkedArray)) else arrow.array(column)
        if isinstance(array, arrow.ChunkedArray):
            array = array.combine_chunks()
        if len(array) != batch.num_rows:
            raise ConfigError(
                f"`add[{name!r}]` gave {len(array)} values for {batch.num_rows} rows\n"
                "hint: give one value per row of the batch"
            )
        batch = batch.append_column(name, array)
    if on_flow is not None:
        told = [on_flow(row) or {} for row in batch.to_pylist()]
        for name in dict.fromkeys(name for extra in told for name in extra):
            batch = batch.append_column(name, arrow.array([extra.get(name) for extra in told]))
    return batch


def _progress_line(read: int, total: int | None, packets: int) -> None:
    import sys

    share = f"{100 * read / total:3.0f} % " if total else ""
    print(f"\r{share}{packets:,} packets", end="", file=sys.stderr, flush=True)


def _progress_end() -> None:
    import sys

    print(file=sys.stderr)


def stream(
    paths: Paths,
    *,
    profile: str = "default",
    groups: Names = None,
    columns: Names = None,
    exclude: Names = None,
    **options: Any,
) -> Stream:
    """Rows of the captures as they come; arguments as those of :func:`extract`.

    >>> import pyarrow
    >>> reader = pyarrow.RecordBatchReader.from_stream(rheos.stream("capture.pcap", groups=["flow_meta"]))
    >>> sum(batch.num_rows for batch in reader)
    3
    """
    chosen = profile, _names(groups), _names(columns), _names(exclude)
    return Stream(_rheos.stream(_paths(paths), *chosen, options))


def packets(paths: Paths, *, payload: int = 0, **options: Any) -> Rows:
    """One row per packet: time, addresses, ports, lengths, TCP header.

    :param payload: so many first bytes of the transport payload in a column of that name.
    :param options: ``filter``, ``count``, ``tunnels``, ``checksums`` and other options of :func:`extract` about packets.

    >>> rows = rheos.packets("capture.pcap", payload=4, count=2)
    >>> rows.to_arrow().select(["src_port", "payload_len", "payload"]).to_pylist()
    [{'src_port': 1024, 'payload_len': 5, 'payload': b'ther'},
     {'src_port': 9999, 'payload_len': 7, 'payload': b'go b'}]
    """
    rows = Rows(_rheos.packets(_paths(paths), payload, options))
    _warn(rows.damage)
    return rows


def columns(
    *,
    profile: str = "all",
    groups: Names = None,
    columns: Names = None,
    exclude: Names = None,
) -> list[dict[str, Any]]:
    """What is known of the columns: name, group, type, unit, meaning, when they are null.

    Columns of another tool (``profile="nfstream"``) also tell what they are made of (``from``) and how they differ
    from that tool's (``note``), and have no group.

    >>> rheos.columns(columns=["iat_mean"])[0]["null"]
    'fewer than 2 packets'
    >>> [column["name"] for column in rheos.columns(groups="tcp") if column["unit"] == "packets"][:2]
    ['tcp_syn_count', 'tcp_synack_count']
    """
    return _rheos.columns(profile, _names(groups), _names(columns), _names(exclude))


def groups() -> dict[str, str]:
    """The groups of columns and what they are about.

    >>> list(rheos.groups())[:3]
    ['flow_meta', 'flow_state', 'timing']
    """
    return {name: meaning for name, meaning, _ in _rheos.groups()}


# Last, as it needs the names above.
from . import flowgen  # noqa: E402
