"""Measures queries over flows: `duckdb PARQUET CSV THREADS RUNS`, `polars PARQUET CSV THREADS RUNS`, or
`run RUNS PROGRAM ARGS...` for one query of a program.

Prints one line of JSON for each query: where the flows are, the least seconds of its runs, on the clock and of all
processors together, and the answer: rows of texts, of which the last three are flows, packets and bytes.
"""

import json
import os
import resource
import subprocess
import sys
import time

QUERIES = {
    "srcip": ["src_ip"],
    "dstport": ["dst_port"],
    "srcip_dstport": ["src_ip", "dst_port"],
    "5tuple": ["src_ip", "dst_ip", "src_port", "dst_port", "protocol"],
}
FILTER = "protocol = 6 and dst_port = 443 and byte_count > 100000"


def cpu_seconds(who):
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def measured(source, query, run, runs, who=resource.RUSAGE_SELF):
    wall = cpu = float("inf")
    answer = None
    for _ in range(runs):
        start, start_cpu = time.monotonic(), cpu_seconds(who)
        answer = run()
        wall = min(wall, time.monotonic() - start)
        cpu = min(cpu, cpu_seconds(who) - start_cpu)
    answer = [[str(cell) for cell in row] for row in answer]
    line = {"source": source, "query": query, "seconds": wall, "cpu_seconds": cpu, "answer": answer}
    print(json.dumps(line), flush=True)


def duckdb(parquet, csv, threads, runs):
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"set threads = {threads}")
    connection.execute(f"create table flows as select * from '{parquet}'")

    def ask(sql):
        return lambda: connection.execute(sql).fetchall()

    for source, table in {"memory": "flows", "parquet": f"'{parquet}'", "csv": f"'{csv}'"}.items():
        times = 1 if source == "csv" else runs
        measured(source, "filter", ask(f"select count(*) from {table} where {FILTER}"), times)
        for query, keys in QUERIES.items():
            keys = ", ".join(keys)
            sql = (
                f"select {keys}, count(*), sum(packet_count), sum(byte_count) as b from {table} "
                f"group by {keys} order by b desc limit 10"
            )
            measured(source, query, ask(sql), times)


def polars(parquet, csv, threads, runs):
    os.environ["POLARS_MAX_THREADS"] = threads
    import polars as pl

    held = pl.read_parquet(parquet)
    sources = {
        "memory": lambda: held.lazy(),
        "parquet": lambda: pl.scan_parquet(parquet),
        "csv": lambda: pl.scan_csv(csv),
    }
    packets, octets = pl.sum("packet_count"), pl.sum("byte_count")
    passes = (pl.col("protocol") == 6) & (pl.col("dst_port") == 443) & (pl.col("byte_count") > 100000)
    for source, flows in sources.items():
        times = 1 if source == "csv" else runs
        measured(source, "filter", lambda: flows().filter(passes).select(pl.len()).collect().rows(), times)
        for query, keys in QUERIES.items():
            measured(
                source,
                query,
                lambda: flows().group_by(keys).agg(pl.len(), packets, octets)
                .top_k(10, by="byte_count").collect().rows(),
                times,
            )


def run(runs, *command):
    def told():
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return [line.split(",") for line in out.stdout.decode().splitlines()]

    measured("file", command[0], told, runs, resource.RUSAGE_CHILDREN)


if __name__ == "__main__":
    engine, *rest = sys.argv[1:]
    if engine == "run":
        run(int(rest[0]), *rest[1:])
    else:
        {"duckdb": duckdb, "polars": polars}[engine](*rest[:3], int(rest[3]))
