/* Programs written for the older `flowgen/generator.hpp` compile after this one include takes the place of its own.
 *
 * Its names, on top of rheos/flowgen.h. What is different, because it was wrong there:
 * * Records follow from a seed (GeneratorConfig::seed, else utils::Random's), so that runs can be repeated; reset()
 *   gives the same records again.
 * * A start_timestamp_ns of 0 is 2024-01-01T00:00:00Z and not the time of the run, for the same reason.
 * * average_packet_size sets the mean of the sizes, so that the bytes come to the bandwidth.
 * * initialize() returns false for every mistake, and last_error() says which; nothing is thrown.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RHEOS_COMPAT_FLOWGEN_H
#define RHEOS_COMPAT_FLOWGEN_H

#include "../flowgen.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>
#include <vector>

namespace flowgen {

namespace utils {

/// `a.b.c.d` as a number in host order; throws std::invalid_argument.
inline std::uint32_t ip_str_to_uint32(const std::string &text)
{
    std::uint32_t address = 0;
    const char *at = text.data();
    const char *end = at + text.size();
    for (int part = 0; part < 4; ++part) {
        unsigned octet = 0;
        const auto read = std::from_chars(at, end, octet);
        const bool dot = read.ptr != end && *read.ptr == '.';
        if (read.ec != std::errc() || octet > 255 || dot != (part < 3))
            throw std::invalid_argument("not an IPv4 address: " + text);
        address = address << 8 | octet;
        at = read.ptr + 1;
        if (part == 3 && read.ptr != end)
            throw std::invalid_argument("not an IPv4 address: " + text);
    }
    return address;
}

inline std::string uint32_to_ip_str(std::uint32_t address) { return rheos::ip_string(address); }

/// Network and number of addresses of `a.b.c.d/len`; throws std::invalid_argument.
struct Subnet
{
    std::uint32_t network = 0;
    std::uint64_t host_count = 0;
};

inline Subnet parse_subnet(const std::string &cidr)
{
    const auto slash = cidr.find('/');
    unsigned length = 32;
    if (slash != std::string::npos) {
        const char *end = cidr.data() + cidr.size();
        const auto read = std::from_chars(cidr.data() + slash + 1, end, length);
        if (read.ec != std::errc() || read.ptr != end || length > 32)
            throw std::invalid_argument("not a subnet: " + cidr);
    }
    const std::uint32_t address = ip_str_to_uint32(cidr.substr(0, slash));
    const std::uint64_t count = std::uint64_t{1} << (32 - length);
    return {static_cast<std::uint32_t>(address & ~(count - 1)), count};
}

/// The older random numbers, one generator per thread. Flows do not use them, only their seed.
class Random
{
public:
    static Random &instance()
    {
        thread_local Random random;
        return random;
    }

    void seed(std::uint64_t seed)
    {
        m_seed = seed;
        m_engine.seed(seed);
    }
    std::uint64_t current_seed() const { return m_seed; }
    int randint(int low, int high) { return std::uniform_int_distribution<int>(low, std::max(low, high))(m_engine); }
    double uniform(double low = 0.0, double high = 1.0)
    {
        return std::uniform_real_distribution<double>(low, std::max(low, high))(m_engine);
    }
    std::uint32_t rand32() { return static_cast<std::uint32_t>(m_engine()); }
    std::uint64_t rand64() { return m_engine(); }

private:
    std::uint64_t m_seed = 1;
    std::mt19937_64 m_engine{1};
};

/// An address of the subnet that is neither its first nor its last, where it has others; of any, without a subnet.
inline std::uint32_t random_ipv4_uint32(const std::string &subnet = "")
{
    Random &random = Random::instance();
    if (subnet.empty()) {
        const auto octet = [&](int low, int high) { return static_cast<std::uint32_t>(random.randint(low, high)); };
        return octet(1, 223) << 24 | octet(0, 255) << 16 | octet(0, 255) << 8 | octet(1, 254);
    }
    const Subnet parsed = parse_subnet(subnet);
    if (parsed.host_count <= 2)
        return parsed.network + static_cast<std::uint32_t>(random.rand64() % parsed.host_count);
    return parsed.network + 1 + static_cast<std::uint32_t>(random.rand64() % (parsed.host_count - 2));
}

inline std::string random_ipv4(const std::string &subnet = "") { return uint32_to_ip_str(random_ipv4_uint32(subnet)); }

inline std::uint16_t random_port(std::uint16_t min = 1024, std::uint16_t max = 65535)
{
    return static_cast<std::uint16_t>(Random::instance().randint(min, max));
}

inline void seed_random(std::uint64_t seed) { Random::instance().seed(seed); }

/// Flows per second that fill a bandwidth.
inline double calculate_flows_per_second(double bandwidth_gbps, std::uint32_t average_packet_size)
{
    return average_packet_size == 0 ? 0.0 : bandwidth_gbps * 1e9 / 8.0 / average_packet_size;
}

/// One of the choices, as likely as its weight says; throws std::invalid_argument without any.
template <class T>
T weighted_choice(const std::vector<T> &choices, const std::vector<double> &weights)
{
    if (choices.empty())
        throw std::invalid_argument("no choices");
    double total = 0;
    for (std::size_t i = 0; i < choices.size(); ++i)
        total += weights.empty() ? 1.0 : weights.at(i);
    double left = Random::instance().uniform(0.0, total);
    for (std::size_t i = 0; i < choices.size(); ++i) {
        left -= weights.empty() ? 1.0 : weights[i];
        if (left < 0)
            return choices[i];
    }
    return choices.back();
}

} // namespace utils

/// One generated flow: the library's record under the older name, with its texts.
struct FlowRecord : rheos_flow_record
{
    FlowRecord() : rheos_flow_record{} {}
    FlowRecord(const rheos_flow_record &record) : rheos_flow_record(record) {}
    FlowRecord(std::uint32_t source, std::uint32_t target, std::uint16_t from, std::uint16_t to, std::uint8_t number,
               std::uint64_t nanoseconds, std::uint32_t length)
        : rheos_flow_record{}
    {
        source_ip = source;
        destination_ip = target;
        source_port = from;
        destination_port = to;
        protocol = number;
        timestamp = nanoseconds;
        packet_length = length;
    }
    FlowRecord(const std::string &source, const std::string &target, std::uint16_t from, std::uint16_t to,
               std::uint8_t number, std::uint64_t nanoseconds, std::uint32_t length)
        : FlowRecord(utils::ip_str_to_uint32(source), utils::ip_str_to_uint32(target), from, to, number, nanoseconds,
                     length)
    {
    }

    std::string source_ip_str() const { return rheos::ip_string(source_ip); }
    std::string destination_ip_str() const { return rheos::ip_string(destination_ip); }

    /// One row, without the end of the line.
    std::string to_csv() const
    {
        return std::to_string(timestamp) + ',' + source_ip_str() + ',' + destination_ip_str() + ','
            + std::to_string(source_port) + ',' + std::to_string(destination_port) + ','
            + std::to_string(protocol) + ',' + std::to_string(packet_length);
    }
    static std::string csv_header() { return "timestamp,src_ip,dst_ip,src_port,dst_port,protocol,length"; }
};
static_assert(sizeof(FlowRecord) == 32, "the older size");

/// A kind of traffic and how much of it, in percent.
struct TrafficPattern
{
    std::string type;
    double percentage = 0;
};

/// What is to be generated.
struct GeneratorConfig
{
    using TrafficPattern = flowgen::TrafficPattern;

    double bandwidth_gbps = 10.0;
    double flows_per_second = 0.0;
    std::uint64_t max_flows = 0;
    double duration_seconds = 0.0;
    std::uint64_t start_timestamp_ns = 0;
    std::vector<std::string> source_subnets;
    std::vector<std::string> destination_subnets;
    std::vector<double> source_weights;
    std::uint32_t min_packet_size = 64;
    std::uint32_t max_packet_size = 1500;
    std::uint32_t average_packet_size = 800;
    std::string bidirectional_mode = "none";
    double bidirectional_probability = 0.5;
    std::vector<flowgen::TrafficPattern> traffic_patterns;
    /// Not in the older one. Empty: utils::Random's.
    std::optional<std::uint64_t> seed;
    std::uint32_t stream_id = 0;

    /// Whether it can be generated; if not, why.
    bool validate(std::string *error = nullptr) const
    {
        const rheos::Error wrong = filled(nullptr);
        if (wrong && error != nullptr)
            *error = wrong.what();
        return !wrong;
    }

    /// The library's configuration, or the first mistake. Throws nothing.
    rheos::Error filled(rheos::Config *out) const
    {
        rheos::Config config;
        rheos_config *raw = config.get();
        rheos_error *error = nullptr;
        const auto mistake = [](const char *message) { return rheos::Error(RHEOS_ERROR_CODE_CONFIG, message, ""); };
        if (traffic_patterns.empty())
            return mistake("Must specify at least one traffic pattern");
        if (source_subnets.empty())
            return mistake("source_subnets cannot be empty");
        if (destination_subnets.empty())
            return mistake("destination_subnets cannot be empty");
        if (!source_weights.empty() && source_weights.size() != source_subnets.size())
            return mistake("source_weights must have as many elements as source_subnets");
        if (bidirectional_mode != "none" && bidirectional_mode != "random")
            return mistake("bidirectional_mode must be none or random");
        if (duration_seconds < 0 || duration_seconds > 1.8e10)
            return mistake("duration_seconds must be from 0 to 1.8e10");

        bool good = bandwidth_gbps != 0 || flows_per_second == 0
            ? rheos_config_set_bandwidth_gbps(raw, bandwidth_gbps, &error)
            : rheos_config_set_flows_per_second(raw, flows_per_second, &error);
        for (const flowgen::TrafficPattern &pattern : traffic_patterns)
            good = good && rheos_config_add_pattern(raw, pattern.type.c_str(), pattern.percentage, &error);
        for (std::size_t i = 0; i < source_subnets.size(); ++i) {
            const double weight = source_weights.empty() ? -1 : source_weights[i];
            good = good && rheos_config_add_source_subnet(raw, source_subnets[i].c_str(), weight, &error);
        }
        for (const std::string &subnet : destination_subnets)
            good = good && rheos_config_add_destination_subnet(raw, subnet.c_str(), -1, &error);
        if (bidirectional_mode == "random")
            good = good && rheos_config_set_bidirectional(raw, bidirectional_probability, &error);
        if (!good)
            return rheos::Error(error);

        config.max_flows(max_flows)
            .duration(static_cast<std::uint64_t>(std::llround(duration_seconds * 1e9)))
            .sizes(min_packet_size, max_packet_size, average_packet_size)
            .seed(seed.value_or(utils::Random::instance().current_seed()))
            .stream_id(stream_id);
        if (start_timestamp_ns != 0)
            config.start(start_timestamp_ns);
        rheos::Error wrong = config.check();
        if (!wrong && out != nullptr)
            *out = std::move(config);
        return wrong;
    }
};

/// Makes records until the limits of its configuration, if it has any.
class FlowGenerator
{
public:
    struct Stats
    {
        std::uint64_t flows_generated = 0;
        /// Simulated.
        double elapsed_time_seconds = 0;
        double flows_per_second = 0;
        std::uint64_t current_timestamp_ns = 0;
    };

    /// Whether the configuration can be generated; if not, last_error() says why.
    bool initialize(const GeneratorConfig &config)
    {
        rheos::Config filled;
        m_error = config.filled(&filled);
        m_generator.reset();
        if (!m_error)
            m_generator = rheos::Generator::make(filled, &m_error);
        return m_generator.has_value();
    }

    /// Puts the next record into `record`; false at the end, and before initialize().
    bool next(FlowRecord &record) { return m_generator && m_generator->next(record); }

    bool is_done() const { return !m_generator || m_generator->is_done(); }
    /// Back to the first record: the same records again.
    void reset()
    {
        if (m_generator)
            m_generator->reset();
    }
    std::uint64_t flow_count() const { return m_generator ? m_generator->index() : 0; }
    std::uint64_t current_timestamp_ns() const { return m_generator ? m_generator->current_timestamp() : 0; }

    Stats get_stats()
    {
        Stats stats;
        if (m_generator) {
            const rheos::Stats now = m_generator->stats();
            stats.flows_generated = now.flows;
            stats.elapsed_time_seconds = static_cast<double>(now.elapsed) / 1e9;
            stats.flows_per_second = now.flows_per_second;
            stats.current_timestamp_ns = now.current;
        }
        return stats;
    }

    /// Why initialize() failed; empty if it did not.
    std::string last_error() const { return m_error.what(); }

private:
    std::optional<rheos::Generator> m_generator;
    rheos::Error m_error;
};

/// Makes records of one kind of traffic.
class PatternGenerator
{
public:
    explicit PatternGenerator(std::string type) : m_type(std::move(type)) {}
    virtual ~PatternGenerator() = default;

    /// A record at that moment; throws std::invalid_argument for what cannot be generated.
    virtual FlowRecord generate(std::uint64_t timestamp, const std::vector<std::string> &source_subnets,
                                const std::vector<std::string> &destination_subnets,
                                const std::vector<double> &source_weights, std::uint32_t min_size,
                                std::uint32_t max_size)
    {
        GeneratorConfig config;
        config.source_subnets = source_subnets;
        config.destination_subnets = destination_subnets;
        config.source_weights = source_weights;
        config.min_packet_size = min_size;
        config.max_packet_size = max_size;
        config.average_packet_size = 0;
        config.traffic_patterns = {{m_type, 100.0}};
        const auto same = [&] {
            return m_ready && config.source_subnets == m_last.source_subnets
                && config.destination_subnets == m_last.destination_subnets
                && config.source_weights == m_last.source_weights && min_size == m_last.min_packet_size
                && max_size == m_last.max_packet_size;
        };
        if (!same()) {
            config.seed = utils::Random::instance().rand64();
            m_ready = m_generator.initialize(config);
            m_last = config;
            if (!m_ready)
                throw std::invalid_argument(m_generator.last_error());
        }
        FlowRecord record;
        m_generator.next(record);
        record.timestamp = timestamp;
        return record;
    }

    virtual std::string type() const { return m_type; }

private:
    std::string m_type;
    GeneratorConfig m_last;
    FlowGenerator m_generator;
    bool m_ready = false;
};

/// The generator of that name or alias; throws std::invalid_argument for others.
inline std::unique_ptr<PatternGenerator> create_pattern_generator(const std::string &name)
{
    rheos_error *error = nullptr;
    rheos::Config config;
    if (!rheos_config_add_pattern(config.get(), name.c_str(), 100, &error))
        throw std::invalid_argument(rheos::Error(error).what());
    return std::make_unique<PatternGenerator>(name);
}

} // namespace flowgen

#endif
