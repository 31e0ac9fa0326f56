"""Measures a program in processes of its own: `run PROGRAM ARGS...`, `rheos FILE GROUPS` (with commas, or `all` for every
column), or `nfstream FILE N_DISSECTIONS`.

Prints one line of JSON: seconds, CPU seconds of the program and all its children, peak resident memory
of the largest of them, rows and columns where they are known.
"""

import json
import resource
import subprocess
import sys
import time


def cpu_seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def told(start, start_cpu, who, rows, columns):
    print(json.dumps({
        "seconds": time.monotonic() - start,
        "cpu_seconds": cpu_seconds() - start_cpu,
        "peak_bytes": max(resource.getrusage(w).ru_maxrss for w in who) * 1024,
        "rows": rows,
        "columns": columns,
    }))


def main():
    if sys.argv[1] == "run":
        start, start_cpu = time.monotonic(), cpu_seconds()
        subprocess.run(sys.argv[2:], check=True)
        told(start, start_cpu, [resource.RUSAGE_CHILDREN], 0, 0)
        return
    # Loading a library does not count.
    if sys.argv[1] == "rheos":
        import rheos

        chosen = {"profile": "all"} if sys.argv[3] == "all" else {"groups": sys.argv[3].split(",")}
        start, start_cpu = time.monotonic(), cpu_seconds()
        result = rheos.extract(sys.argv[2], threads=1, **chosen)
        told(start, start_cpu, [resource.RUSAGE_SELF], len(result), len(result.column_names))
        return
    from nfstream import NFStreamer

    start, start_cpu = time.monotonic(), cpu_seconds()
    rows = columns = 0
    streamer = NFStreamer(
        source=sys.argv[2],
        statistical_analysis=True,
        n_dissections=int(sys.argv[3]),
        n_meters=1,
    )
    for flow in streamer:
        rows += 1
        columns = columns or len(flow.keys())
    told(start, start_cpu, [resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN], rows, columns)


if __name__ == "__main__":
    main()
