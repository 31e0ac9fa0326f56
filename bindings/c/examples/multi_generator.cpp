/* Many generators at once, each into files of its own folder, as the older multi_generator_example did.
 *
 *     multi_generator -g 0-5 --total-flows 600000 -o output
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <rheos/flowgen.h>

#include "options.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

namespace {

const char HELP[] = R"(Generates flow records with several generators, each into files of its own folder.

Usage: multi_generator --generator-ids IDS (--end-timestamp NS | --duration NS | --total-flows N) [OPTIONS]

  -g, --generator-ids IDS   "0,1,2", "0-5", "0..5", or mixed
  -w, --bandwidth GBPS      bandwidth of each in Gbit/s (10)
  -o, --output-path FOLDER  (./output)
  -b, --batch-size N        flows per file (1000)
      --end-timestamp NS    flows before this moment, in nanoseconds since 1970
      --duration NS         flows of so much simulated time
      --total-flows N       so many flows, spread evenly
      --start-timestamp NS  of the first flow (1704067200000000000); each generator begins its id's milliseconds later
      --seed N              same seed, same flows (1)
      --sequential          one generator after the other
      --verbose             tell each file
  -h, --help                this text
)";

const char *const SOURCES[] = {"192.168.1.0/24", "192.168.2.0/24", "192.168.3.0/24", "192.168.4.0/24",
                               "10.10.1.0/24",   "10.10.2.0/24",   "10.10.3.0/24",   "10.10.4.0/24",
                               "172.16.1.0/24",  "172.16.2.0/24",  "172.16.3.0/24",  "172.16.4.0/24"};
const char *const PATTERNS[] = {"web_traffic", "database_traffic", "dns_traffic", "ssh_traffic", "random"};
/// Heavy on the web, heavy on databases, balanced; in the order of PATTERNS.
const double MIXES[3][5] = {{50, 20, 15, 10, 5}, {30, 40, 15, 10, 5}, {30, 25, 20, 15, 10}};

std::vector<std::uint32_t> ids_of(const std::string &list)
{
    std::vector<std::uint32_t> ids;
    for (const std::string &part : Options::split(list, ',')) {
        auto at = part.find("..");
        std::size_t skip = 2;
        if (at == std::string::npos) {
            at = part.find('-');
            skip = 1;
        }
        const auto first = Options::read<std::uint32_t>("generator-ids", part.substr(0, at), "a number or range");
        const auto last = at == std::string::npos
            ? first
            : Options::read<std::uint32_t>("generator-ids", part.substr(at + skip), "a number or range");
        if (last < first || last - first > 4095)
            refuse("`" + part + "` of `--generator-ids` is no range of at most 4096 ids");
        for (std::uint64_t id = first; id <= last; ++id)
            ids.push_back(static_cast<std::uint32_t>(id));
    }
    return ids;
}

rheos::Config config_of(const Options &options, std::uint32_t id, std::size_t generators)
{
    const std::uint64_t start = options.whole("start-timestamp", 1'704'067'200'000'000'000) + id * 1'000'000ULL;
    rheos::Config config;
    config.seed(options.whole("seed", 1) + id)
        .stream_id(id)
        .start(start)
        .bandwidth_gbps(options.number("bandwidth", 10.0))
        .bidirectional(id % 2 == 0 ? 0.5 : 0.0)
        .add_source_subnet(SOURCES[id % 12])
        .add_destination_subnet("10.200.0.0/16")
        .add_destination_subnet("10.201.0.0/16")
        .add_destination_subnet("203.0.113.0/24")
        .end(options.whole("end-timestamp", 0))
        .duration(options.whole("duration", 0))
        .max_flows((options.whole("total-flows", 0) + generators - 1) / generators);
    for (int i = 0; i < 5; ++i)
        config.add_pattern(PATTERNS[i], MIXES[id % 3][i]);
    return config;
}

struct Outcome
{
    std::uint64_t flows = 0;
    std::string error;
};

Outcome run(const Options &options, std::uint32_t id, std::size_t generators)
{
    Outcome outcome;
    try {
        const auto folder = std::filesystem::path(options.text("output-path", "./output"))
            / ("generator_" + std::to_string(id));
        std::filesystem::create_directories(folder);
        rheos::Generator generator(config_of(options, id, generators));
        std::vector<rheos::Record> records(options.whole("batch-size", 1000));
        for (unsigned number = 0;; ++number) {
            const std::size_t count = generator.fill(records.data(), records.size());
            if (count == 0)
                break;
            char name[32];
            std::snprintf(name, sizeof name, "flows_%04u.csv", number);
            std::ofstream file(folder / name);
            rheos::Text csv(RHEOS_LAYOUT_CSV);
            file << csv.begin();
            file << csv.rows(records.data(), count);
            file << csv.end();
            file.close();
            if (!file)
                throw std::runtime_error("cannot write " + (folder / name).string());
            if (options.has("verbose"))
                std::cout << (folder / name).string() + ": " + std::to_string(count) + " flows\n";
            outcome.flows += count;
        }
    } catch (const std::exception &error) {
        outcome.error = error.what();
    }
    return outcome;
}

} // namespace

int main(int argc, char **argv)
{
    Options options({{"generator-ids", 'g'}, {"bandwidth", 'w'}, {"output-path", 'o'}, {"batch-size", 'b'},
                     {"end-timestamp"}, {"duration"}, {"total-flows"}, {"start-timestamp"}, {"seed"},
                     {"sequential", 0, false}, {"verbose", 0, false}, {"help", 'h', false}});
    options.parse(argc, argv);
    if (options.has("help")) {
        std::cout << HELP;
        return 0;
    }
    if (!options.has("generator-ids"))
        refuse("`--generator-ids` is missing", "write `-g 0-3`");
    int limits = 0;
    for (const char *limit : {"end-timestamp", "duration", "total-flows"})
        limits += options.has(limit) && options.whole(limit, 0) > 0;
    if (limits != 1)
        refuse("exactly one limit is needed", "give `--end-timestamp`, `--duration` or `--total-flows`, above 0");
    if (options.whole("batch-size", 1000) == 0 || options.whole("batch-size", 1000) > 100'000'000)
        refuse("`--batch-size` must be from 1 to 100000000");

    const std::vector<std::uint32_t> ids = ids_of(options.text("generator-ids"));
    std::vector<Outcome> outcomes(ids.size());
    if (options.has("sequential")) {
        for (std::size_t i = 0; i < ids.size(); ++i)
            outcomes[i] = run(options, ids[i], ids.size());
    } else {
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < ids.size(); ++i)
            threads.emplace_back([&, i] { outcomes[i] = run(options, ids[i], ids.size()); });
        for (std::thread &thread : threads)
            thread.join();
    }

    int failed = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (outcomes[i].error.empty()) {
            std::cout << "Generator " << ids[i] << ": " << outcomes[i].flows << " flows\n";
        } else {
            std::cerr << "error: generator " << ids[i] << ": " << outcomes[i].error << '\n';
            failed = 2;
        }
    }
    return failed;
}
