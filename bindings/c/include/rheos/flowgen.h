/* Flow records at memory speed, for C++17 and later.
 *
 *     rheos::Config config;
 *     config.bandwidth_gbps(40).max_flows(1'000'000).add_pattern("web_traffic", 100);
 *     for (const rheos::Record &record : rheos::Generator(config))
 *         use(record.timestamp, record.source_ip, record.packet_length);
 *
 * Header only, above the C interface in rheos.h: link with `rheos`. With exceptions, failures are thrown as
 * rheos::Error; without them (or with RHEOS_NO_EXCEPTIONS), a Config keeps its first error, and
 * Generator::make() hands errors out. An object may be used by one thread at a time; objects share nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RHEOS_FLOWGEN_H
#define RHEOS_FLOWGEN_H

#include "../rheos.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#if defined(__cpp_lib_span) || (__cplusplus >= 202002L && __has_include(<span>))
#include <span>
#endif

#if defined(__cpp_exceptions) && !defined(RHEOS_NO_EXCEPTIONS)
#define RHEOS_THROWS 1
#else
#define RHEOS_THROWS 0
#endif

namespace rheos {

static_assert(sizeof(rheos_flow_record) == 32, "the record's layout is part of the interface");
static_assert(sizeof(rheos_wide_record) == 96, "the record's layout is part of the interface");

/// One generated IPv4 flow, 32 bytes; addresses are numbers in host order.
using Record = rheos_flow_record;
/// One direction of a flow with its totals, IPv4 or IPv6, 96 bytes.
using WideRecord = rheos_wide_record;
/// Arrays for the fields of records, null for those that are not wanted.
using Columns = rheos_columns;
/// What has been made so far.
using Stats = rheos_stats;

/// Why something failed: what() in one line, and hint() what to do about it.
class Error : public std::exception
{
public:
    Error() = default;
    Error(int code, std::string message, std::string hint)
        : m_code(code), m_message(std::move(message)), m_hint(std::move(hint))
    {
    }

    /// Takes over an error of the C interface, and frees it.
    explicit Error(rheos_error *error)
        : m_code(static_cast<int>(rheos_error_code_of(error))),
          m_message(rheos_error_message(error)),
          m_hint(rheos_error_hint(error))
    {
        rheos_error_free(error);
    }

    const char *what() const noexcept override { return m_message.c_str(); }
    /// What to do about it; empty where there is nothing to say.
    const std::string &hint() const noexcept { return m_hint; }
    /// One of rheos_error_code; 0 without an error.
    int code() const noexcept { return m_code; }
    /// Whether there is one.
    explicit operator bool() const noexcept { return m_code != 0; }

private:
    int m_code = 0;
    std::string m_message;
    std::string m_hint;
};

/// `192.168.1.1`, of a number in host order.
inline std::string ip_string(std::uint32_t address)
{
    std::array<char, 16> text{};
    char *end = text.data();
    for (int shift = 24; shift >= 0; shift -= 8) {
        end = std::to_chars(end, text.data() + text.size(), (address >> shift) & 0xff).ptr;
        if (shift > 0)
            *end++ = '.';
    }
    return std::string(text.data(), end);
}

/// What is to be generated. Without a call: 10 Gbit/s of a usual mix from 192.168.1.0/24 to 10.0.0.0/8, without end.
class Config
{
public:
    Config() : m_config(rheos_config_new()) {}
    Config(const Config &other) : m_config(rheos_config_clone(other.get())), m_error(other.m_error) {}
    Config(Config &&) noexcept = default;
    Config &operator=(Config other) noexcept
    {
        m_config.swap(other.m_config);
        std::swap(m_error, other.m_error);
        return *this;
    }
    ~Config() = default;

    /// Reads a file; its ending says the format (.yaml, .yml, .json, .toml).
    static Config from_file(const std::string &path)
    {
        rheos_error *error = nullptr;
        Config config(rheos_config_from_file(path.c_str(), &error));
        config.took(error);
        return config;
    }

    /// Reads a text in one of rheos_config_format.
    static Config from_text(const std::string &text, rheos_config_format format)
    {
        rheos_error *error = nullptr;
        Config config(rheos_config_from_text(text.c_str(), format, &error));
        config.took(error);
        return config;
    }

    Config &seed(std::uint64_t seed) { return set(rheos_config_set_seed, seed); }
    Config &stream_id(std::uint32_t id) { return set(rheos_config_set_stream_id, id); }
    /// The moment of the first record, in nanoseconds since the Unix epoch.
    Config &start(std::uint64_t nanoseconds) { return set(rheos_config_set_start, nanoseconds); }
    /// Only records before this moment; 0: no such limit.
    Config &end(std::uint64_t nanoseconds) { return set(rheos_config_set_end, nanoseconds); }
    /// How many records; 0: no such limit.
    Config &max_flows(std::uint64_t flows) { return set(rheos_config_set_max_flows, flows); }
    /// Over how much simulated time; 0: no such limit.
    Config &duration(std::uint64_t nanoseconds) { return set(rheos_config_set_duration, nanoseconds); }
    Config &bandwidth_gbps(double gbps) { return told(rheos_config_set_bandwidth_gbps, gbps); }
    Config &flows_per_second(double rate) { return told(rheos_config_set_flows_per_second, rate); }
    /// How likely it is that a record runs from server to client.
    Config &bidirectional(double probability) { return told(rheos_config_set_bidirectional, probability); }

    /// Packets and bytes of flows; all but the patterns' own make wide records.
    Config &size_model(rheos_size_model model) { return told(rheos_config_set_size_model, static_cast<std::uint32_t>(model)); }
    /// When flows begin; all but even ones make wide records.
    Config &arrivals(rheos_arrivals arrivals) { return told(rheos_config_set_arrivals, static_cast<std::uint32_t>(arrivals)); }
    /// The exponent of Zipf's law for hosts; 0: all are equal.
    Config &host_exponent(double exponent) { return told(rheos_config_set_host_exponent, exponent); }

    /// Lengths in bytes; an average of 0 leaves the patterns their own.
    Config &sizes(std::uint32_t min, std::uint32_t max, std::uint32_t average = 0)
    {
        rheos_config_set_sizes(get(), min, max, average);
        return *this;
    }

    /// Adds a kind of traffic with its share in percent; the first one replaces the default mix.
    Config &add_pattern(const std::string &pattern, double percentage)
    {
        return told(rheos_config_add_pattern, pattern.c_str(), percentage);
    }

    /// Adds a subnet of clients, with its share in percent: all have one, or none.
    Config &add_source_subnet(const std::string &cidr, double percentage = -1)
    {
        return told(rheos_config_add_source_subnet, cidr.c_str(), percentage);
    }

    /// Adds a subnet of servers, like add_source_subnet.
    Config &add_destination_subnet(const std::string &cidr, double percentage = -1)
    {
        return told(rheos_config_add_destination_subnet, cidr.c_str(), percentage);
    }

    /// The first thing that is wrong with all values together, or no error. Throws nothing.
    Error check() const
    {
        if (m_error)
            return m_error;
        rheos_error *error = nullptr;
        return rheos_config_check(get(), &error) ? Error() : Error(error);
    }

    /// The first error of a call, where errors are not thrown.
    const Error &error() const noexcept { return m_error; }

    rheos_config *get() const noexcept { return m_config.get(); }

private:
    struct Free
    {
        void operator()(rheos_config *config) const noexcept { rheos_config_free(config); }
    };

    explicit Config(rheos_config *config) : m_config(config) {}

    template <class Value>
    Config &set(bool (*setter)(rheos_config *, Value), Value value)
    {
        setter(get(), value);
        return *this;
    }

    template <class... Parameters, class... Values>
    Config &told(bool (*setter)(rheos_config *, Parameters...), Values... values)
    {
        rheos_error *error = nullptr;
        setter(get(), values..., &error);
        took(error);
        return *this;
    }

    void took(rheos_error *error)
    {
        if (error == nullptr)
            return;
        Error taken(error);
#if RHEOS_THROWS
        throw taken;
#else
        if (!m_error)
            m_error = std::move(taken);
#endif
    }

    std::unique_ptr<rheos_config, Free> m_config;
    Error m_error;
};

/// Makes the records of a configuration. Record i depends on the configuration and i only, so that seek(),
/// checkpoints and parts cost nothing.
class Generator
{
public:
    /// A generator at its first record, or nothing and why.
    static std::optional<Generator> make(const Config &config, Error *why = nullptr)
    {
        Error failed = config.error();
        rheos_generator *made = nullptr;
        if (!failed) {
            rheos_error *error = nullptr;
            made = rheos_generator_new(config.get(), &error);
            if (error != nullptr)
                failed = Error(error);
        }
        if (why != nullptr)
            *why = failed;
        if (made == nullptr)
            return std::nullopt;
        return Generator(made);
    }

#if RHEOS_THROWS
    explicit Generator(const Config &config)
    {
        rheos_error *error = nullptr;
        m_generator.reset(rheos_generator_new(config.get(), &error));
        if (error != nullptr)
            throw Error(error);
    }
#endif

    Generator(Generator &&) noexcept = default;
    Generator &operator=(Generator &&) noexcept = default;

    /// A copy that stands at the same record.
    Generator clone() const
    {
        Generator copy(rheos_generator_clone(get()));
        copy.seek(index());
        return copy;
    }

    /// Part number `part` of `parts` of the records that are left.
    Generator part(std::uint32_t part, std::uint32_t parts) const
    {
        Generator here = clone();
        return Generator(rheos_generator_part(here.get(), part, parts));
    }

    /// Puts the next record into `record`; false at the end.
    bool next(Record &record)
    {
        if (m_taken == m_made && !refill())
            return false;
        record = (*m_ahead)[m_taken++];
        return true;
    }

    /// Fills the caller's memory; returns how many records, fewer than `count` only at the end.
    std::size_t fill(Record *records, std::size_t count)
    {
        give_back();
        return rheos_generator_fill(get(), records, count);
    }

    /// Like fill(), on up to `threads` threads: the same records in the same places.
    std::size_t fill_parallel(Record *records, std::size_t count, std::size_t threads)
    {
        give_back();
        return rheos_generator_fill_parallel(get(), records, count, threads);
    }

    /// Like fill(), for IPv4 and IPv6.
    std::size_t fill(WideRecord *records, std::size_t count)
    {
        give_back();
        return rheos_generator_fill_wide(get(), records, count);
    }

    /// Like fill(), one array for each field that is wanted.
    std::size_t fill(const Columns &columns, std::size_t count)
    {
        give_back();
        return rheos_generator_fill_columns(get(), &columns, count);
    }

#if defined(__cpp_lib_span)
    std::size_t fill(std::span<Record> records) { return fill(records.data(), records.size()); }
    std::size_t fill(std::span<WideRecord> records) { return fill(records.data(), records.size()); }
#endif

    /// The index of the next record.
    std::uint64_t index() const noexcept
    {
        return rheos_generator_index(get()) - (m_made - m_taken);
    }
    /// How many records are left before the limits.
    std::uint64_t remaining() const noexcept
    {
        return rheos_generator_remaining(get()) + (m_made - m_taken);
    }
    bool is_done() const noexcept { return remaining() == 0; }
    /// Whether the records fit Record: all addresses are IPv4. Others come by fill() of WideRecord only.
    bool is_narrow() const noexcept { return rheos_generator_is_narrow(get()); }
    /// The moment of the next record, in nanoseconds since the Unix epoch.
    std::uint64_t current_timestamp() const noexcept { return rheos_generator_moment(get(), index()); }

    /// Goes to record `index`, or to the end if that is earlier.
    void seek(std::uint64_t index) noexcept
    {
        m_taken = m_made = 0;
        rheos_generator_seek(get(), index);
    }
    /// Back to the first record: the same records again.
    void reset() noexcept { seek(0); }

    Stats stats()
    {
        give_back();
        Stats stats{};
        rheos_generator_stats(get(), &stats);
        return stats;
    }

    using Checkpoint = std::array<std::uint8_t, RHEOS_CHECKPOINT_BYTES>;

    /// Where it stands.
    Checkpoint checkpoint()
    {
        give_back();
        Checkpoint bytes{};
        rheos_generator_checkpoint(get(), bytes.data());
        return bytes;
    }

    /// Goes on from a checkpoint of the same configuration; an error if it is of another one, or damaged.
    Error restore(const Checkpoint &bytes)
    {
        give_back();
        rheos_error *error = nullptr;
        return rheos_generator_restore(get(), bytes.data(), bytes.size(), &error) ? Error() : Error(error);
    }

    /// Walks over the records that are left.
    class Iterator
    {
    public:
        using iterator_category = std::input_iterator_tag;
        using iterator_concept = std::input_iterator_tag;
        using value_type = Record;
        using difference_type = std::ptrdiff_t;
        using pointer = const Record *;
        using reference = const Record &;

        Iterator() = default;
        explicit Iterator(Generator *generator) : m_generator(generator) { ++*this; }
        reference operator*() const noexcept { return m_record; }
        pointer operator->() const noexcept { return &m_record; }
        Iterator &operator++()
        {
            if (!m_generator->next(m_record))
                m_generator = nullptr;
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const Iterator &a, const Iterator &b) noexcept
        {
            return a.m_generator == b.m_generator;
        }
        friend bool operator!=(const Iterator &a, const Iterator &b) noexcept { return !(a == b); }

    private:
        Generator *m_generator = nullptr;
        Record m_record{};
    };

    Iterator begin() { return Iterator(this); }
    Iterator end() { return Iterator(); }

    rheos_generator *get() const noexcept { return m_generator.get(); }

private:
    struct Free
    {
        void operator()(rheos_generator *generator) const noexcept { rheos_generator_free(generator); }
    };
    /// Records that next() makes at once: 16 KiB, which stay in the first cache.
    using Ahead = std::array<Record, 512>;

    explicit Generator(rheos_generator *generator) : m_generator(generator) {}

    bool refill()
    {
        if (!m_ahead)
            m_ahead = std::make_unique<Ahead>();
        m_taken = 0;
        m_made = rheos_generator_fill(get(), m_ahead->data(), m_ahead->size());
        return m_made != 0;
    }

    /// What was made ahead is made again by whoever asks next.
    void give_back() noexcept
    {
        if (m_taken != m_made)
            seek(index());
    }

    std::unique_ptr<rheos_generator, Free> m_generator;
    std::unique_ptr<Ahead> m_ahead;
    std::size_t m_taken = 0;
    std::size_t m_made = 0;
};

/// Writes records as CSV, JSON or JSON Lines. What a call gives lives until the next one.
class Text
{
public:
    explicit Text(rheos_layout layout) : m_text(rheos_text_new(layout, nullptr)) {}

    /// What comes before the first record.
    std::string_view begin()
    {
        std::size_t length = 0;
        const char *start = rheos_text_begin(m_text.get(), &length);
        return {start, length};
    }
    /// Records.
    std::string_view rows(const Record *records, std::size_t count)
    {
        std::size_t length = 0;
        const char *start = rheos_text_rows(m_text.get(), records, count, &length);
        return {start, length};
    }
    /// What comes behind the last record.
    std::string_view end()
    {
        std::size_t length = 0;
        const char *start = rheos_text_end(m_text.get(), &length);
        return {start, length};
    }

private:
    struct Free
    {
        void operator()(rheos_text *text) const noexcept { rheos_text_free(text); }
    };
    std::unique_ptr<rheos_text, Free> m_text;
};

/// Makes the datagrams of routers of records: NetFlow, IPFIX and sFlow. Sends nothing: that is for a socket of yours.
class Exporter
{
public:
    /// A datagram, which lives until the next call, and how many of the records are done with it.
    struct Datagram
    {
        const std::uint8_t *data = nullptr;
        std::size_t length = 0;
        std::size_t taken = 0;
    };

    /// A length of 0 is what fits Ethernet; a sampling of 0 or 1 tells that every packet was counted. Wrong values make
    /// an exporter that is false and makes nothing.
    explicit Exporter(rheos_export_protocol protocol, std::uint32_t domain = 0, std::size_t datagram_len_max = 0,
                      std::uint32_t sampling = 0)
        : m_exporter(rheos_exporter_new(static_cast<std::uint32_t>(protocol), domain, datagram_len_max, sampling, nullptr))
    {
    }

    explicit operator bool() const noexcept { return m_exporter != nullptr; }

    /// The next datagram at this moment (nanoseconds since the Unix epoch): go on with the records behind those taken.
    Datagram encode(std::uint64_t now, const Record *records, std::size_t count)
    {
        Datagram made;
        made.data = rheos_exporter_encode(m_exporter.get(), now, records, count, &made.taken, &made.length);
        return made;
    }
    /// The same for wide records.
    Datagram encode(std::uint64_t now, const WideRecord *records, std::size_t count)
    {
        Datagram made;
        made.data = rheos_exporter_encode_wide(m_exporter.get(), now, records, count, &made.taken, &made.length);
        return made;
    }
    /// How many records the protocol could not tell.
    std::uint64_t refused() const noexcept { return rheos_exporter_refused(m_exporter.get()); }

private:
    struct Free
    {
        void operator()(rheos_exporter *exporter) const noexcept { rheos_exporter_free(exporter); }
    };
    std::unique_ptr<rheos_exporter, Free> m_exporter;
};

} // namespace rheos

#endif
