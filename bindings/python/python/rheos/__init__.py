"""Captures into flows and hundreds of typed features.

>>> import rheos
>>> rows = rheos.extract("capture.pcap", groups=["flow_meta", "timing"])
>>> rows.to_pandas()

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
    """Some rows of a stream."""

    def __init__(self, inner: _rheos.Batch) -> None:
        self._inner = inner

    def __len__(self) -> int:
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
        return self._inner.__arrow_c_array__(requested_schema)

    def __arrow_c_schema__(self) -> Any:
        return self._inner.__arrow_c_schema__()

    def __repr__(self) -> str:
        return repr(self._inner)


class Rows(_Tabular):
    """One row per flow (or packet), with the accounts of the run."""

    def __init__(self, inner: _rheos.Rows) -> None:
        self._inner = inner

    def __len__(self) -> int:
        return len(self._inner)

    def __iter__(self) -> Iterator[Batch]:
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
        return self._inner.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> Any:
        return self._inner.__arrow_c_schema__()

    def __repr__(self) -> str:
        return repr(self._inner)


def _matrix(inner: _rheos.Rows | _rheos.Batch) -> tuple[Any, list[str]]:
    numpy = _needs("numpy", "to_numpy()")
    names, values = inner.numeric()
    return numpy.frombuffer(values).reshape(len(names), len(inner)).T, names


class Extended(_Tabular):
    """Rows with columns of the caller's own: a thin coat around a :class:`pyarrow.Table`."""

    def __init__(self, table: Any, summary: dict[str, Any], damage: list[str]) -> None:
        self._table = table
        self.summary = summary
        self.damage = damage

    def __len__(self) -> int:
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
        return self._table.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"<rheos.Extended: {len(self)} rows, {len(self.column_names)} columns>"


class Stream(_Tabular):
    """Rows as they come: an iterator over :class:`Batch`, or an Arrow C stream.

    Memory stays flat however long the captures are. Leaving a ``with`` block ends the run.
    """

    def __init__(self, inner: _rheos.Stream) -> None:
        self._inner = inner

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Batch:
        try:
            return Batch(next(self._inner))
        except StopIteration:
            _warn(self.damage)
            raise

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
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
        return self._inner.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> Any:
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
        but the optional columns of the groups that are named.
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
    """Rows of the captures as they come; arguments as those of :func:`extract`."""
    chosen = profile, _names(groups), _names(columns), _names(exclude)
    return Stream(_rheos.stream(_paths(paths), *chosen, options))


def packets(paths: Paths, *, payload: int = 0, **options: Any) -> Rows:
    """One row per packet: time, addresses, ports, lengths, TCP header.

    :param payload: so many first bytes of the transport payload in a column of that name.
    :param options: ``filter``, ``count``, ``tunnels``, ``checksums`` and other options of :func:`extract` about packets.
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
    """What is known of the columns: name, group, type, unit, meaning, when they are null."""
    return _rheos.columns(profile, _names(groups), _names(columns), _names(exclude))


def groups() -> dict[str, str]:
    """The groups of columns and what they are about."""
    return {name: meaning for name, meaning, _ in _rheos.groups()}
