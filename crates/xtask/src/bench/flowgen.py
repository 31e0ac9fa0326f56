"""Flow records per second from Python: prints one line of JSON. The argument is how many records."""

import json
import sys
import time

import numpy
from rheos import flowgen

RUNS = 5
CONFIG = "examples/flows/example_config.yaml"


def best(work, count):
    """The most records per second of all runs."""
    rates = []
    for _ in range(RUNS):
        start = time.perf_counter()
        made = work()
        rates.append(made / (time.perf_counter() - start))
        assert made == count, (made, count)
    return max(rates)


def generator_of(count):
    config = flowgen.ConfigParser.load(CONFIG)
    config.generation.max_flows = count
    return flowgen.FlowGenerator.from_config(config)


def main():
    count = int(sys.argv[1])
    generator = generator_of(count)
    buffer = numpy.zeros(1024, flowgen.RECORD_DTYPE)

    def fill():
        generator.reset()
        made = 0
        while records := generator.fill(buffer):
            made += records
        return made

    def batches():
        generator.reset()
        return sum(len(batch) for batch in generator.batches(65536))

    few = generator_of(count // 20)

    def iterate():
        few.reset()
        made = 0
        for _ in few:
            made += 1
        return made

    print(json.dumps({
        "fill of 1024": best(fill, count),
        "batches of 65536": best(batches, count),
        "iteration": best(iterate, count // 20),
    }))


main()
