/* The C interface from C11: every function once, mistakes too. Prints the fingerprint that the test compares. */
#include <rheos.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                      \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "line %d: %s does not hold\n", __LINE__, #condition); \
            exit(1);                                                          \
        }                                                                     \
    } while (0)

static void mistakes(void)
{
    rheos_error *error = NULL;
    CHECK(rheos_config_from_file("/nonexistent/flows.yaml", &error) == NULL);
    CHECK(error != NULL && rheos_error_code_of(error) != 0);
    CHECK(strstr(rheos_error_message(error), "/nonexistent/flows.yaml") != NULL);
    rheos_error_free(error);

    error = NULL;
    CHECK(rheos_config_from_text("generation: [", RHEOS_CONFIG_FORMAT_YAML, &error) == NULL);
    CHECK(rheos_error_code_of(error) == RHEOS_ERROR_CODE_CONFIG);
    rheos_error_free(error);

    error = NULL;
    CHECK(rheos_config_from_text("", 99, &error) == NULL && rheos_error_code_of(error) == RHEOS_ERROR_CODE_ARGUMENT);
    rheos_error_free(error);

    error = NULL;
    rheos_config *config = rheos_config_new();
    CHECK(!rheos_config_add_pattern(config, "web_trafic", 100, &error));
    CHECK(strstr(rheos_error_hint(error), "web_traffic") != NULL);
    /* A second mistake keeps the first one's error. */
    CHECK(!rheos_config_set_bandwidth_gbps(config, -1, &error));
    CHECK(strstr(rheos_error_message(error), "web_trafic") != NULL);
    rheos_error_free(error);
    CHECK(!rheos_config_add_source_subnet(config, "300.0.0.0/8", -1, NULL));
    CHECK(!rheos_config_set_bidirectional(config, 1.5, NULL));
    rheos_config_free(config);

    /* Null objects are errors, not crashes. */
    CHECK(rheos_generator_new(NULL, NULL) == NULL);
    CHECK(rheos_generator_next(NULL, NULL) == -1);
    CHECK(rheos_generator_fill(NULL, NULL, 10) == 0);
    CHECK(rheos_generator_clone(NULL) == NULL && rheos_config_clone(NULL) == NULL);
    CHECK(!rheos_generator_restore(NULL, NULL, 0, NULL));
    CHECK(strlen(rheos_error_message(NULL)) == 0 && rheos_error_code_of(NULL) == 0);
    rheos_generator_free(NULL);
    rheos_config_free(NULL);
    rheos_error_free(NULL);
}

static rheos_generator *example(uint64_t flows)
{
    rheos_config *config = rheos_config_new();
    CHECK(rheos_config_set_seed(config, 42));
    CHECK(rheos_config_set_stream_id(config, 7));
    CHECK(rheos_config_set_start(config, 1704067200000000000u));
    CHECK(rheos_config_set_max_flows(config, flows));
    CHECK(rheos_config_set_bandwidth_gbps(config, 40, NULL));
    CHECK(rheos_config_set_bidirectional(config, 0.5, NULL));
    CHECK(rheos_config_set_sizes(config, 64, 1500, 0));
    CHECK(rheos_config_add_pattern(config, "web_traffic", 60, NULL));
    CHECK(rheos_config_add_pattern(config, "dns_traffic", 40, NULL));
    CHECK(rheos_config_add_source_subnet(config, "192.168.0.0/16", 70, NULL));
    CHECK(rheos_config_add_source_subnet(config, "10.10.0.0/16", 30, NULL));
    CHECK(rheos_config_add_destination_subnet(config, "10.100.0.0/16", -1, NULL));
    CHECK(rheos_config_check(config, NULL));
    rheos_generator *generator = rheos_generator_new(config, NULL);
    CHECK(generator != NULL);
    rheos_config_free(config);
    return generator;
}

static void ways_agree(void)
{
    enum { FLOWS = 10000 };
    rheos_generator *generator = example(FLOWS);
    rheos_flow_record *all = malloc(FLOWS * sizeof *all);
    CHECK(rheos_generator_fill(generator, all, FLOWS + 5) == FLOWS);
    CHECK(rheos_generator_remaining(generator) == 0);

    rheos_generator_seek(generator, 0);
    rheos_flow_record one;
    for (int i = 0; i < 3000; ++i) {
        CHECK(rheos_generator_next(generator, &one) == 1);
        CHECK(memcmp(&one, &all[i], sizeof one) == 0);
    }
    CHECK(rheos_generator_index(generator) == 3000);

    uint8_t checkpoint[RHEOS_CHECKPOINT_BYTES];
    CHECK(rheos_generator_checkpoint(generator, checkpoint));
    rheos_generator *other = example(FLOWS);
    CHECK(rheos_generator_restore(other, checkpoint, sizeof checkpoint, NULL));
    CHECK(rheos_generator_next(other, &one) == 1 && memcmp(&one, &all[3000], sizeof one) == 0);
    checkpoint[9] ^= 1;
    CHECK(!rheos_generator_restore(other, checkpoint, sizeof checkpoint, NULL));
    rheos_generator_free(other);

    other = rheos_generator_part(generator, 1, 7);
    CHECK(rheos_generator_next(other, &one) == 1 && memcmp(&one, &all[4000], sizeof one) == 0);
    CHECK(rheos_generator_part(generator, 7, 7) == NULL);
    rheos_generator_free(other);

    uint64_t *timestamps = malloc(FLOWS * sizeof *timestamps);
    uint16_t *ports = malloc(FLOWS * sizeof *ports);
    rheos_columns columns = {.timestamp = timestamps, .destination_port = ports};
    rheos_generator_seek(generator, 0);
    CHECK(rheos_generator_fill_columns(generator, &columns, FLOWS) == FLOWS);
    rheos_flow_record *parallel = malloc(FLOWS * sizeof *parallel);
    rheos_generator_seek(generator, 0);
    CHECK(rheos_generator_fill_parallel(generator, parallel, FLOWS, 7) == FLOWS);
    rheos_wide_record *wide = malloc(FLOWS * sizeof *wide);
    rheos_generator_seek(generator, 0);
    CHECK(rheos_generator_fill_wide(generator, wide, FLOWS) == FLOWS);
    for (int i = 0; i < FLOWS; ++i) {
        CHECK(timestamps[i] == all[i].timestamp && ports[i] == all[i].destination_port);
        CHECK(memcmp(&parallel[i], &all[i], sizeof *all) == 0);
        CHECK(wide[i].first == all[i].timestamp && wide[i].bytes == all[i].packet_length);
    }

    rheos_stats stats;
    CHECK(rheos_generator_stats(generator, &stats));
    CHECK(stats.flows == FLOWS && stats.elapsed > 0 && stats.mean_size > 64);
    /* 40 Gbit/s: bytes and clock agree within one thousandth of the whole. */
    double bytes = 0;
    for (int i = 0; i < FLOWS; ++i)
        bytes += all[i].packet_length;
    double gbps = bytes * 8 / (double)stats.elapsed;
    CHECK(gbps > 38 && gbps < 42);

    /* Text in pieces is text. */
    rheos_text *csv = rheos_text_new(RHEOS_LAYOUT_CSV, NULL);
    size_t length = 0;
    const char *text = rheos_text_begin(csv, &length);
    CHECK(length == 58 && strncmp(text, "timestamp,src_ip,dst_ip,src_port,dst_port,protocol,length\n", length) == 0);
    text = rheos_text_rows(csv, all, 2, &length);
    CHECK(strncmp(text, "1704067200000000000,", 20) == 0 && text[length - 1] == '\n');
    rheos_text_end(csv, &length);
    CHECK(length == 0);
    rheos_text_free(csv);
    CHECK(rheos_text_new(99, NULL) == NULL);
    rheos_text_rows(NULL, all, 2, &length);
    CHECK(length == 0);

    uint64_t sum = 14695981039346656037u;
    for (int i = 0; i < FLOWS; ++i)
        for (size_t byte = 0; byte < sizeof *all; ++byte)
            sum = (sum ^ ((const uint8_t *)&all[i])[byte]) * 1099511628211u;
    printf("%016llx\n", (unsigned long long)sum);

    free(all);
    free(timestamps);
    free(ports);
    free(parallel);
    free(wide);
    rheos_generator_free(generator);
}

/* Models make wide records; what they cannot be is told. */
static void models(void)
{
    rheos_error *error = NULL;
    rheos_config *config = rheos_config_new();
    CHECK(rheos_config_set_max_flows(config, 1000));
    CHECK(!rheos_config_set_size_model(config, 99, NULL) && !rheos_config_set_arrivals(config, 0, NULL));
    CHECK(!rheos_config_set_host_exponent(config, 3, &error));
    CHECK(strstr(rheos_error_message(error), "host_exponent") != NULL);
    rheos_error_free(error);
    CHECK(!rheos_config_set_size_model(NULL, RHEOS_SIZE_MODEL_PATTERNS, NULL));
    rheos_generator *generator = rheos_generator_new(config, NULL);
    CHECK(rheos_generator_is_narrow(generator));
    rheos_generator_free(generator);
    CHECK(rheos_config_set_size_model(config, RHEOS_SIZE_MODEL_SERVICES, NULL));
    CHECK(rheos_config_set_arrivals(config, RHEOS_ARRIVALS_BURSTY, NULL));
    CHECK(rheos_config_set_host_exponent(config, 1.0, NULL) && rheos_config_set_host_exponent(config, 0, NULL));
    generator = rheos_generator_new(config, NULL);
    CHECK(!rheos_generator_is_narrow(generator));
    rheos_wide_record *wide = malloc(1000 * sizeof *wide);
    CHECK(rheos_generator_fill_wide(generator, wide, 1000) == 1000);
    uint64_t packets = 0;
    for (int i = 0; i < 1000; ++i)
        packets += wide[i].packets;
    CHECK(packets > 2000);
    free(wide);
    rheos_generator_free(generator);
    rheos_config_free(config);
}

/* Every record goes out, in datagrams that the protocols' versions begin. */
static void exports(void)
{
    rheos_config *config = rheos_config_new();
    CHECK(rheos_config_set_max_flows(config, 1000));
    rheos_generator *generator = rheos_generator_new(config, NULL);
    rheos_flow_record *records = malloc(1000 * sizeof *records);
    rheos_wide_record *wide = malloc(1000 * sizeof *wide);
    CHECK(rheos_generator_fill(generator, records, 1000) == 1000);
    rheos_generator_seek(generator, 0);
    CHECK(rheos_generator_fill_wide(generator, wide, 1000) == 1000);
    const int versions[] = {5, 9, 10};
    const uint64_t now = 1704067300000000000u;
    for (uint32_t protocol = RHEOS_EXPORT_PROTOCOL_NETFLOW5; protocol <= RHEOS_EXPORT_PROTOCOL_SFLOW; ++protocol) {
        rheos_exporter *narrow = rheos_exporter_new(protocol, 7, 0, 0, NULL);
        rheos_exporter *other = rheos_exporter_new(protocol, 7, 0, 1, NULL);
        size_t done = 0, datagrams = 0;
        while (done < 1000) {
            size_t taken = 0, length = 0, wide_taken = 0, wide_length = 0;
            const uint8_t *datagram = rheos_exporter_encode(narrow, now, records + done, 1000 - done, &taken, &length);
            CHECK(taken > 0 && taken <= 1000 - done && length > 20 && length <= 1452);
            if (protocol <= RHEOS_EXPORT_PROTOCOL_IPFIX)
                CHECK(datagram[0] == 0 && datagram[1] == versions[protocol - 1]);
            const uint8_t *same =
                rheos_exporter_encode_wide(other, now, wide + done, 1000 - done, &wide_taken, &wide_length);
            CHECK(wide_taken == taken && wide_length == length && memcmp(datagram, same, length) == 0);
            done += taken;
            ++datagrams;
        }
        CHECK(datagrams >= 34 - 10 && rheos_exporter_refused(narrow) == 0);
        rheos_exporter_free(narrow);
        rheos_exporter_free(other);
    }
    rheos_error *error = NULL;
    CHECK(rheos_exporter_new(99, 0, 0, 0, &error) == NULL && rheos_error_code_of(error) == RHEOS_ERROR_CODE_ARGUMENT);
    rheos_error_free(error);
    error = NULL;
    CHECK(rheos_exporter_new(RHEOS_EXPORT_PROTOCOL_IPFIX, 0, 10, 0, &error) == NULL);
    CHECK(strstr(rheos_error_message(error), "datagram") != NULL);
    rheos_error_free(error);
    size_t taken = 1, length = 1;
    rheos_exporter_encode(NULL, now, records, 1000, &taken, &length);
    CHECK(taken == 0 && length == 0 && rheos_exporter_refused(NULL) == 0);
    rheos_exporter_free(NULL);
    free(records);
    free(wide);
    rheos_generator_free(generator);
    rheos_config_free(config);
}

int main(void)
{
    CHECK(rheos_abi_version() == RHEOS_ABI_VERSION);
    CHECK(strlen(rheos_version()) > 4);
    mistakes();
    ways_agree();
    models();
    exports();
    return 0;
}
