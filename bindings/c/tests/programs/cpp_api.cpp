/* The C++ layer: every way to the same records, moves, copies, mistakes. Prints the fingerprint that the test
 * compares. Built as C++17 and C++20, with and without exceptions. */
#include <rheos/flowgen.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>
#if __cplusplus >= 202002L
#include <ranges>
#endif

#define CHECK(condition)                                                          \
    do {                                                                          \
        if (!(condition)) {                                                       \
            std::fprintf(stderr, "line %d: %s does not hold\n", __LINE__, #condition); \
            std::exit(1);                                                         \
        }                                                                         \
    } while (0)

static bool same(const rheos::Record &a, const rheos::Record &b)
{
    return std::memcmp(&a, &b, sizeof a) == 0;
}

static rheos::Config example()
{
    rheos::Config config;
    config.seed(42).stream_id(7).start(1704067200000000000u).max_flows(10'000).bandwidth_gbps(40).bidirectional(0.5);
    config.sizes(64, 1500).add_pattern("web_traffic", 60).add_pattern("dns_traffic", 40);
    config.add_source_subnet("192.168.0.0/16", 70).add_source_subnet("10.10.0.0/16", 30);
    config.add_destination_subnet("10.100.0.0/16");
    return config;
}

static rheos::Generator made(const rheos::Config &config)
{
    auto generator = rheos::Generator::make(config);
    CHECK(generator.has_value());
    return std::move(*generator);
}

static void ways_agree()
{
    rheos::Generator generator = made(example());
    std::vector<rheos::Record> all(10'005);
    CHECK(generator.fill(all.data(), all.size()) == 10'000);
    CHECK(generator.is_done());
    all.resize(10'000);

    generator.reset();
    rheos::Record record;
    for (std::size_t i = 0; i < 700; ++i) {
        /* Position and clock are those of the record that comes next, whatever was made ahead. */
        CHECK(generator.index() == i && generator.current_timestamp() == all[i].timestamp);
        CHECK(generator.next(record) && same(record, all[i]));
    }
    CHECK(generator.remaining() == 9'300);

    /* Ways mix: nothing is lost between next() and fill(). */
    rheos::Record three[3];
    CHECK(generator.fill(three, 3) == 3 && same(three[0], all[700]) && same(three[2], all[702]));
    CHECK(generator.next(record) && same(record, all[703]));

    rheos::Generator copy = generator.clone();
    rheos::Generator part = generator.part(1, 2);
    const auto checkpoint = generator.checkpoint();
    CHECK(copy.next(record) && same(record, all[704]));
    CHECK(part.next(record) && same(record, all[704 + (10'000 - 704) / 2]));
    rheos::Generator moved = std::move(generator);
    CHECK(moved.next(record) && same(record, all[704]));
    CHECK(!moved.restore(checkpoint) && moved.index() == 704);
    CHECK(moved.stats().flows == 704);

    std::size_t index = 0;
    for (const rheos::Record &each : made(example()))
        CHECK(same(each, all[index++]));
    CHECK(index == all.size());
#if __cplusplus >= 202002L
    static_assert(std::input_iterator<rheos::Generator::Iterator>);
    static_assert(std::ranges::input_range<rheos::Generator>);
    rheos::Generator spanned = made(example());
    CHECK(spanned.fill(std::span(three)) == 3 && same(three[1], all[1]));
    /* Older clang cannot read the views of GCC's library. */
#if !defined(__clang__) || __clang_major__ >= 16
    index = 3;
    for (const auto &each : spanned | std::views::take(100))
        CHECK(same(each, all[index++]));
#endif
#endif

    /* Each thread has its own part; together they are the whole. */
    std::vector<rheos::Record> together(all.size());
    std::vector<std::thread> threads;
    const rheos::Generator whole = made(example());
    for (std::uint32_t i = 0; i < 4; ++i)
        threads.emplace_back([&together, own = whole.part(i, 4)]() mutable {
            own.fill(together.data() + own.index(), own.remaining());
        });
    for (std::thread &thread : threads)
        thread.join();
    CHECK(std::memcmp(together.data(), all.data(), all.size() * sizeof all[0]) == 0);

    std::uint64_t sum = 14695981039346656037u;
    const auto *bytes = reinterpret_cast<const unsigned char *>(all.data());
    for (std::size_t i = 0; i < all.size() * sizeof all[0]; ++i)
        sum = (sum ^ bytes[i]) * 1099511628211u;
    std::printf("%016llx\n", static_cast<unsigned long long>(sum));
}

static void mistakes()
{
    rheos::Error why;
#if RHEOS_THROWS
    try {
        rheos::Config().add_pattern("web_trafic", 100);
        CHECK(!"it was thrown");
    } catch (const rheos::Error &error) {
        CHECK(std::strstr(error.what(), "web_trafic") && error.hint().find("web_traffic") != std::string::npos);
    }
    try {
        rheos::Generator generator(rheos::Config().add_pattern("dns_traffic", 60));
        CHECK(!"it was thrown");
    } catch (const std::exception &error) {
        CHECK(std::strstr(error.what(), "60"));
    }
    try {
        rheos::Config::from_file("/nonexistent/flows.toml");
        CHECK(!"it was thrown");
    } catch (const rheos::Error &error) {
        CHECK(std::strstr(error.what(), "/nonexistent/flows.toml"));
    }
#else
    rheos::Config wrong;
    wrong.add_pattern("web_trafic", 100).add_pattern("nonsense", 100);
    CHECK(wrong.error() && std::strstr(wrong.error().what(), "web_trafic"));
    CHECK(!rheos::Generator::make(wrong, &why) && why.code() == wrong.error().code());
    CHECK(rheos::Config::from_file("/nonexistent/flows.toml").error());
#endif
    rheos::Config half;
    half.add_pattern("dns_traffic", 60);
    CHECK(half.check() && !rheos::Generator::make(half, &why) && why);
    const rheos::Config copied = half;
    CHECK(copied.check().what() == std::string(half.check().what()));
    CHECK(!example().check());
    const rheos::Config read = rheos::Config::from_text(
        "generation:\n  max_flows: 3\n  rate: {bandwidth_gbps: 1}\ntraffic_patterns:\n  - {type: dns_traffic, percentage: 100}\n",
        RHEOS_CONFIG_FORMAT_YAML);
    CHECK(made(read).remaining() == 3);
}

static void wide_records()
{
    rheos::Config config = example();
    rheos::Config ipv6;
    ipv6.max_flows(100).add_source_subnet("2001:db8::/64").add_destination_subnet("2001:db8:1::/64");
    rheos::Generator generator = made(ipv6);
    CHECK(!generator.is_narrow());
    rheos::Record none;
    CHECK(!generator.next(none));
    std::vector<rheos::WideRecord> records(100);
    CHECK(generator.fill(records.data(), records.size()) == 100);
    CHECK(records[0].source_ip[0] == 0x20 && records[99].packets == 1);
}

static void exports_of_models()
{
    rheos::Config config = example();
    config.max_flows(500).size_model(RHEOS_SIZE_MODEL_AGH2015).arrivals(RHEOS_ARRIVALS_POISSON).host_exponent(1.0);
    rheos::Generator generator = made(config);
    CHECK(!generator.is_narrow());
    std::vector<rheos::WideRecord> records(500);
    CHECK(generator.fill(records.data(), records.size()) == 500);
    std::uint64_t packets = 0;
    for (const rheos::WideRecord &record : records)
        packets += record.packets;
    CHECK(packets > 1000);
    rheos::Exporter exporter(RHEOS_EXPORT_PROTOCOL_IPFIX, 7);
    CHECK(exporter && !rheos::Exporter(RHEOS_EXPORT_PROTOCOL_IPFIX, 7, 1));
    std::size_t done = 0;
    while (done < records.size()) {
        const auto datagram = exporter.encode(records.back().last, records.data() + done, records.size() - done);
        CHECK(datagram.taken > 0 && datagram.length > 16 && datagram.data[1] == 10);
        done += datagram.taken;
    }
    CHECK(exporter.refused() == 0);
    rheos::Record none{};
    CHECK(exporter.encode(0, &none, 0).taken == 0);
}

int main()
{
    mistakes();
    ways_agree();
    wide_records();
    exports_of_models();
    return 0;
}
