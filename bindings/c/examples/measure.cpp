/* Measures how fast records come, in each way; the best of five runs. The argument is how many records (60000000).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <rheos/flowgen.h>

#include "options.h"

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace {

template <class Work>
void measure(const char *name, Work work)
{
    double best = 0;
    for (int run = 0; run < 5; ++run) {
        const auto begin = std::chrono::steady_clock::now();
        const std::uint64_t records = work();
        const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
        best = std::max(best, static_cast<double>(records) / elapsed.count());
    }
    std::printf("%-24s %6.0f M records/s\n", name, best / 1e6);
}

} // namespace

int main(int argc, char **argv)
{
    const std::uint64_t count =
        argc > 1 ? Options::read<std::uint64_t>("records", argv[1], "a whole number") : 60'000'000;
    rheos::Config config;
    config.max_flows(count);
    std::uint64_t sum = 0;
    std::vector<rheos::Record> batch(1024);
    std::vector<rheos::Record> all(count);

    measure("next()", [&] {
        rheos::Generator generator(config);
        rheos::Record record;
        while (generator.next(record))
            sum += record.packet_length + record.source_ip;
        return count;
    });
    measure("fill of 1024", [&] {
        rheos::Generator generator(config);
        std::uint64_t made = 0;
        while (const std::size_t records = generator.fill(batch.data(), batch.size()))
            made += records;
        return made;
    });
    measure("fill of 1024, 2 threads", [&] {
        const rheos::Generator generator(config);
        std::vector<std::thread> threads;
        for (const std::uint32_t part : {0u, 1u}) {
            threads.emplace_back([&generator, part] {
                // Memory of its own, which stays in this core's cache.
                std::vector<rheos::Record> own(1024);
                rheos::Generator half = generator.part(part, 2);
                while (half.fill(own.data(), own.size()) > 0) {
                }
            });
        }
        for (std::thread &thread : threads)
            thread.join();
        return count;
    });
    for (const std::size_t threads : {1, 2}) {
        const std::string name = "fill of all, " + std::to_string(threads) + " threads";
        measure(name.c_str(), [&] {
            rheos::Generator generator(config);
            return std::uint64_t{generator.fill_parallel(all.data(), all.size(), threads)};
        });
    }
    std::printf("checksum %llu\n", static_cast<unsigned long long>(sum));
    return 0;
}
