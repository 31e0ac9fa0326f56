/* A program as people wrote it for the older library, but for this include. */
#include <rheos/compat/flowgen.h>

#include <cassert>
#include <iostream>

#undef NDEBUG
#include <cassert>

int main()
{
    flowgen::GeneratorConfig config;
    config.bandwidth_gbps = 10.0;
    config.max_flows = 1000;
    config.start_timestamp_ns = 1704067200000000000ULL;
    config.source_subnets = {"192.168.0.0/16", "10.10.0.0/16"};
    config.source_weights = {60.0, 40.0};
    config.destination_subnets = {"10.100.0.0/16", "203.0.113.0/24"};
    config.bidirectional_mode = "random";
    config.bidirectional_probability = 0.5;
    config.traffic_patterns = {{"web_traffic", 50.0}, {"database_traffic", 30.0}, {"dns_traffic", 20.0}};
    std::string error;
    assert(config.validate(&error));

    flowgen::FlowGenerator generator;
    flowgen::FlowRecord flow;
    assert(!generator.next(flow)); // not initialized: no crash
    assert(generator.initialize(config));

    std::uint64_t bytes = 0;
    std::cout << flowgen::FlowRecord::csv_header() << '\n';
    while (generator.next(flow)) {
        if (generator.flow_count() <= 2)
            std::cout << flow.to_csv() << '\n';
        assert(flow.protocol == 6 || flow.protocol == 17);
        bytes += flow.packet_length;
    }
    assert(generator.is_done());
    const flowgen::FlowGenerator::Stats stats = generator.get_stats();
    assert(stats.flows_generated == 1000);
    assert(stats.elapsed_time_seconds > 0 && generator.current_timestamp_ns() > config.start_timestamp_ns);
    // 1000 flows of 800 bytes on average.
    assert(bytes > 700'000 && bytes < 900'000);

    generator.reset();
    flowgen::FlowRecord again;
    assert(generator.next(again) && again.timestamp == config.start_timestamp_ns);

    // Several patterns that do not sum to 100, an unknown one, no subnets: false and a reason, nothing thrown.
    flowgen::GeneratorConfig wrong = config;
    wrong.traffic_patterns = {{"web_traffic", 50.0}};
    assert(!wrong.validate(&error) && error.find("50") != std::string::npos);
    assert(!generator.initialize(wrong) && !generator.last_error().empty());
    wrong.traffic_patterns = {{"webtraffic", 100.0}};
    assert(!wrong.validate(&error) && error.find("webtraffic") != std::string::npos);
    wrong = config;
    wrong.source_subnets.clear();
    assert(!wrong.validate(&error) && error.find("source_subnets") != std::string::npos);

    flowgen::utils::Random::instance().seed(7);
    const auto address = flowgen::utils::random_ipv4_uint32("10.1.2.3/32");
    assert(flowgen::utils::uint32_to_ip_str(address) == "10.1.2.3");
    assert(flowgen::utils::parse_subnet("0.0.0.0/0").host_count == 4294967296ULL);
    assert(flowgen::utils::calculate_flows_per_second(10.0, 800) == 1562500.0);

    const auto pattern = flowgen::create_pattern_generator("ssh_traffic");
    const flowgen::FlowRecord ssh = pattern->generate(5, {"10.0.0.0/8"}, {"192.168.1.0/24"}, {}, 64, 1500);
    assert(ssh.destination_port == 22 && ssh.timestamp == 5 && ssh.destination_ip_str().rfind("192.168.1.", 0) == 0);

    const flowgen::FlowRecord written("192.168.1.1", "10.0.0.1", 50000, 443, 6, 1704067200000000000ULL, 800);
    std::cout << written.to_csv() << '\n';
    return 0;
}
