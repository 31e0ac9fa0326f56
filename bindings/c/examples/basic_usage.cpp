/* Generates flows into a CSV file, as the older basic_usage did, with all its options working.
 *
 *     basic_usage -f 1000000 -b 40 -o flows.csv --patterns "web_traffic:70,dns_traffic:30" --bidirectional 0.5
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <rheos/flowgen.h>

#include "options.h"

#include <chrono>
#include <fstream>
#include <iomanip>

namespace {

const char HELP[] = R"(Generates flow records into a CSV file.

Usage: basic_usage [OPTIONS]

  -f, --flows N            how many flows (100000)
  -b, --bandwidth GBPS     bandwidth in Gbit/s (10)
  -o, --output FILE        file to write (cpp_output_flows.csv)
      --bidirectional P    share of flows from server to client, 0 to 1 (0)
      --src-subnets CIDRS  (192.168.0.0/16,10.10.0.0/16)
      --dst-subnets CIDRS  (10.100.0.0/16,203.0.113.0/24)
      --src-weights W,...  percentages of the source subnets (equal)
      --patterns LIST      "type:percent,..."
      --start-time NS      nanoseconds since 1970 (1704067200000000000)
      --pkt-min BYTES      (64)
      --pkt-max BYTES      (1500)
      --pkt-avg BYTES      (800)
      --seed N             same seed, same flows (1)
      --verbose            more progress
  -h, --help               this text
)";

const char PATTERNS[] = "web_traffic:40,database_traffic:20,dns_traffic:20,ssh_traffic:10,random:10";

rheos::Config config_of(const Options &options)
{
    rheos::Config config;
    config.max_flows(options.whole("flows", 100'000))
        .bandwidth_gbps(options.number("bandwidth", 10.0))
        .start(options.whole("start-time", 1'704'067'200'000'000'000))
        .sizes(static_cast<std::uint32_t>(options.whole("pkt-min", 64)),
               static_cast<std::uint32_t>(options.whole("pkt-max", 1500)),
               static_cast<std::uint32_t>(options.whole("pkt-avg", 800)))
        .bidirectional(options.number("bidirectional", 0.0))
        .seed(options.whole("seed", 1));

    const auto sources = Options::split(options.text("src-subnets", "192.168.0.0/16,10.10.0.0/16"), ',');
    const auto weights = Options::split(options.text("src-weights"), ',');
    for (std::size_t i = 0; i < sources.size(); ++i) {
        const bool weighted = options.has("src-weights") && i < weights.size();
        config.add_source_subnet(sources[i],
                                 weighted ? Options::read<double>("src-weights", weights[i], "a number") : -1);
    }
    if (options.has("src-weights") && weights.size() != sources.size())
        refuse("`--src-weights` has " + std::to_string(weights.size()) + " weights for "
                   + std::to_string(sources.size()) + " source subnets",
               "give as many, or none");
    for (const std::string &cidr : Options::split(options.text("dst-subnets", "10.100.0.0/16,203.0.113.0/24"), ','))
        config.add_destination_subnet(cidr);
    for (const std::string &pattern : Options::split(options.text("patterns", PATTERNS), ',')) {
        const auto colon = pattern.find(':');
        if (colon == std::string::npos)
            refuse("`" + pattern + "` of `--patterns` has no percentage", "write `web_traffic:60,dns_traffic:40`");
        config.add_pattern(pattern.substr(0, colon),
                           Options::read<double>("patterns", pattern.substr(colon + 1), "a number"));
    }
    return config;
}

void write_flows(const Options &options)
{
    const std::string path = options.text("output", "cpp_output_flows.csv");
    const std::uint64_t step = options.has("verbose") ? 10'000 : 50'000;
    rheos::Generator generator(config_of(options));
    const std::uint64_t total = generator.remaining();

    std::cout << "Configuration:\n  Flows:     " << total << "\n  Bandwidth: " << options.number("bandwidth", 10.0)
              << " Gbps\n  Output:    " << path << "\n\n";

    std::ofstream file(path);
    if (!file)
        refuse("cannot write `" + path + "`", "check the folder and its permissions");
    rheos::Text csv(RHEOS_LAYOUT_CSV);
    file << csv.begin();

    const auto begin = std::chrono::steady_clock::now();
    std::vector<rheos::Record> records(4096);
    std::uint64_t first = 0, last = 0, done = 0, shown = step;
    while (const std::size_t count = generator.fill(records.data(), records.size())) {
        first = done == 0 ? records.front().timestamp : first;
        last = records[count - 1].timestamp;
        file << csv.rows(records.data(), count);
        for (done += count; shown <= done; shown += step)
            std::cout << "Generated " << shown << " flows...\n";
    }
    file << csv.end();
    file.close();
    if (!file)
        refuse("cannot write all of `" + path + "`", "is the disk full?");
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;

    std::cout << "\nGeneration complete!\n  Total flows:     " << done << "\n  Elapsed time:    " << std::fixed
              << std::setprecision(3) << elapsed.count() << " s\n  Generation rate: " << std::setprecision(0)
              << static_cast<double>(done) / elapsed.count() << " flows/s\n  Timestamp range: " << first << " - "
              << last << "\n  Output written to: " << path << '\n';
}

} // namespace

int main(int argc, char **argv)
{
    Options options({{"flows", 'f'}, {"bandwidth", 'b'}, {"output", 'o'}, {"bidirectional"}, {"src-subnets"},
                     {"dst-subnets"}, {"src-weights"}, {"patterns"}, {"start-time"}, {"pkt-min"}, {"pkt-max"},
                     {"pkt-avg"}, {"seed"}, {"verbose", 0, false}, {"help", 'h', false}});
    options.parse(argc, argv);
    if (options.has("help")) {
        std::cout << HELP;
        return 0;
    }
    try {
        write_flows(options);
    } catch (const rheos::Error &error) {
        refuse(error.what(), error.hint());
    }
    return 0;
}
