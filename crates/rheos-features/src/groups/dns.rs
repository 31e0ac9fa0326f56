//! DNS: the first question and its answer, and counts over all messages of the flow.

use rheos_wire::App;
use rheos_wire::dns::{push_rcode, push_type};

use super::{Ended, Group};
use crate::column::Kind::{Bool, F64, I64, Str, U8, U16, U64};
use crate::column::{Column, GroupInfo, Identity, Kind, Profile};
use crate::dissect::dns::{Dns as Spoken, Exchanges, FirstQuestion, NameTally, QueryType};
use crate::moments::Moments;
use crate::row::RowBuffer;

const OTHER: &str = "not DNS";
const NO_QUESTION: &str = "not DNS, or no question was seen";
const NO_RESPONSE: &str = "not DNS, or no response was seen";
const NO_ANSWER: &str = "not DNS, or no answer record was seen";
const NO_FIRST_ANSWER: &str = "not DNS, no response was seen, or the first has no answer record";
const NO_NAME: &str = "not DNS, or no name but the root was asked for";
const MULTICAST: &str =
    "not DNS, or multicast DNS or LLMNR: what answers a multicast comes in another flow";
const NO_PAIR: &str = "not DNS, or no query with its response was seen; multicast DNS and LLMNR";
const NULL_NOT_0: &str = "null, not 0, where there is none";
const OF_RESPONSE: &str =
    "of the flow's first response, not only when the first message is one; null without";

const fn column(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    meaning: &'static str,
) -> Column {
    Column::new(name, kind, unit, meaning).profile(Profile::Extended).null(OTHER)
}

const fn messages(name: &'static str, meaning: &'static str) -> Column {
    column(name, U64, "messages", meaning)
}

const fn questions(name: &'static str, meaning: &'static str) -> Column {
    column(name, U64, "questions", meaning)
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    Column::new("dns_detected", Bool, "", "whether the flow speaks DNS, multicast DNS or LLMNR, by its bytes and on any port, over UDP or TCP: a whole sound message")
        .profile(Profile::Extended).changed("over TCP and on any port, too; a message must be sound to its last record"),
    column("dns_query_name", Str, "", "name of the flow's first question as master files write it (RFC 1035 section 5.1), without the last point but for the root: points within labels as `\\.`, what is not printable as `\\` and three decimal digits; upper and lower case as sent")
        .identity(Identity::Name).null(NO_QUESTION).changed("escaped like a master file, not as hex; null, not empty"),
    column("dns_query_type", I64, "", "type of the first question, IANA's number").null(NO_QUESTION).changed(NULL_NOT_0),
    column("dns_query_type_str", Str, "", "type of the first question, IANA's name, else TYPE and the number").null(NO_QUESTION).changed("all names of IANA's; null, not empty"),
    column("dns_response_code", I64, "", "response code of the first response, with the bits that EDNS(0) adds").null(NO_RESPONSE).changed("of the flow's first response, not only when the first message is one; null, not -1, without"),
    column("dns_response_code_str", Str, "", "response code of the first response, IANA's name, else RCODE and the number").null(NO_RESPONSE).changed(OF_RESPONSE),
    column("dns_answer_count", I64, "records", "answer records in the first response, by its header").null(NO_RESPONSE).changed(OF_RESPONSE),
    column("dns_authority_count", I64, "records", "authority records in the first response, by its header").null(NO_RESPONSE).changed(OF_RESPONSE),
    column("dns_additional_count", I64, "records", "additional records in the first response, by its header").null(NO_RESPONSE).changed(OF_RESPONSE),
    column("dns_min_ttl", I64, "s", "least time to live of the answers in the first response; one of 2^31 and more counts as 0 (RFC 2181 section 8)").null(NO_FIRST_ANSWER).changed(OF_RESPONSE),
    column("dns_max_ttl", I64, "s", "greatest time to live of the answers in the first response").null(NO_FIRST_ANSWER).changed(OF_RESPONSE),
    column("dns_is_query", Bool, "", "the flow's first message is a query").changed("null, not false, in other protocols"),
    column("dns_is_response", Bool, "", "the flow's first message is a response").changed("null, not false, in other protocols"),
    column("dns_truncated", Bool, "", "the first response is cut short (TC)").null(NO_RESPONSE).changed(OF_RESPONSE),
    column("dns_recursion_desired", Bool, "", "the first message asks for recursion (RD)").changed("null, not false, in other protocols"),
    column("dns_recursion_available", Bool, "", "the first response offers recursion (RA)").null(NO_RESPONSE).changed(OF_RESPONSE),
    column("dns_query_class", U16, "", "class of the first question without the top bit, which multicast DNS uses: 1 is the Internet").null(NO_QUESTION),
    column("dns_opcode", U8, "", "kind of the first message: 0 query, 1 inverse query, 2 status, 4 notify, 5 update, 6 stateful"),
    column("dns_over_tcp", Bool, "", "the flow is TCP: each message goes after its length"),
    column("dns_is_mdns", Bool, "", "multicast DNS: a port is 5353"),
    column("dns_is_llmnr", Bool, "", "link-local multicast name resolution: a port is 5355"),
    messages("dns_queries", "queries, retransmitted ones included: messages without QR"),
    messages("dns_responses", "responses: messages with QR"),
    messages("dns_malformed", "messages that are not sound to their last record, but for those that the capture cut"),
    messages("dns_other_opcodes", "queries that are no plain ones: notify, update, ..."),
    messages("dns_retransmitted", "queries with the id and question of one that was not answered yet"),
    messages("dns_unanswered", "queries, each counted once however often it was sent, to which the other side sent no response with the same id and question; of more than 64 at a time the oldest are given up").null(MULTICAST),
    messages("dns_unsolicited", "responses to no query of the other side with the same id and question").null(MULTICAST),
    column("dns_response_time_min", F64, "s", "least time from a query, sent for the first time, to its first response").null(NO_PAIR),
    column("dns_response_time_mean", F64, "s", "mean time from a query to its first response").null(NO_PAIR),
    column("dns_response_time_max", F64, "s", "greatest time from a query to its first response").null(NO_PAIR),
    column("dns_answers", U64, "records", "answer records of all responses, by their headers"),
    messages("dns_rcode_noerror", "responses without error (0)"),
    messages("dns_rcode_formerr", "responses to what could not be read (1)"),
    messages("dns_rcode_servfail", "responses of a server that failed (2)"),
    messages("dns_rcode_nxdomain", "responses that the name does not exist (3)"),
    messages("dns_rcode_notimp", "responses to what is not implemented (4)"),
    messages("dns_rcode_refused", "responses that refuse (5)"),
    messages("dns_rcode_other", "responses with another code"),
    column("dns_nxdomain_ratio", F64, "", "share of responses with NXDOMAIN").null(NO_RESPONSE),
    messages("dns_authoritative", "responses with AA, from the zone's own server"),
    messages("dns_truncated_responses", "responses with TC, cut short"),
    messages("dns_authenticated", "responses with AD, verified by the server (RFC 4035)"),
    messages("dns_edns_queries", "queries with EDNS(0) (RFC 6891)"),
    column("dns_edns_udp_size", U16, "bytes", "longest message that a querier takes over UDP, by EDNS(0)").null("not DNS, or no query with EDNS(0)"),
    messages("dns_dnssec_ok_queries", "queries that want DNSSEC records (DO)"),
    messages("dns_client_subnet_queries", "queries that tell the client's network (RFC 7871)"),
    questions("dns_questions", "questions of queries, and of responses whose query was not seen; the next columns are over these"),
    column("dns_query_types", Str, "", "types that are asked for, by number, joined by commas; the first 16").null(NO_QUESTION),
    questions("dns_questions_a", "questions for A"),
    questions("dns_questions_aaaa", "questions for AAAA"),
    questions("dns_questions_ptr", "questions for PTR"),
    questions("dns_questions_txt", "questions for TXT: rare from browsers, usual for mail and for tunnels"),
    questions("dns_questions_mx", "questions for MX"),
    questions("dns_questions_ns", "questions for NS"),
    questions("dns_questions_srv", "questions for SRV"),
    questions("dns_questions_svcb", "questions for SVCB and HTTPS"),
    questions("dns_questions_null", "questions for NULL, which hardly anything but tunnels uses"),
    questions("dns_questions_any", "questions for ANY, as for amplification"),
    questions("dns_questions_other", "questions for any other type"),
    column("dns_names", U64, "names", "different names that are asked for, whatever the case: exact below 512, beyond that estimated with a standard error of 4.4 %"),
    column("dns_names_ratio", F64, "", "dns_names / dns_questions: near 1 where each name is asked for once, as in tunnels").null(NO_QUESTION),
    column("dns_parent_names", U64, "names", "different names that are asked for, without their first label; names of one label left out: exact below 128, beyond that estimated with a standard error of 8.9 %"),
    column("dns_name_len_min", F64, "bytes", "shortest name: octets of its labels and the points between them").null(NO_QUESTION),
    column("dns_name_len_mean", F64, "bytes", "mean length of names").null(NO_QUESTION),
    column("dns_name_len_max", F64, "bytes", "longest name").null(NO_QUESTION),
    column("dns_labels_mean", F64, "labels", "mean number of labels in a name, the root not counted").null(NO_QUESTION),
    column("dns_labels_max", F64, "labels", "most labels in a name").null(NO_QUESTION),
    column("dns_label_len_max", U8, "bytes", "longest label of any name").null(NO_QUESTION),
    column("dns_name_entropy_mean", F64, "bits/byte", "mean over names of the Shannon entropy of their labels' octets, upper case as lower; names are short, so that it is below the logarithm of their length").null(NO_NAME),
    column("dns_name_entropy_max", F64, "bits/byte", "greatest entropy of a name").null(NO_NAME),
    column("dns_name_digit_ratio", F64, "", "share of digits among the octets of all labels").null(NO_NAME),
    column("dns_answer_types", Str, "", "types of answer records, by number, joined by commas; the first 16").null(NO_ANSWER),
    column("dns_answer_addresses", U64, "addresses", "different addresses in answers: exact below 128, beyond that estimated with a standard error of 8.9 %"),
    column("dns_ttl_min", F64, "s", "least time to live of answers over all responses").null(NO_ANSWER),
    column("dns_ttl_mean", F64, "s", "mean time to live of answers over all responses").null(NO_ANSWER),
    column("dns_ttl_max", F64, "s", "greatest time to live of answers over all responses").null(NO_ANSWER),
    column("dns_query_len_mean", F64, "bytes", "mean length of queries").null("not DNS, or no query was seen"),
    column("dns_query_len_max", F64, "bytes", "longest query").null("not DNS, or no query was seen"),
    column("dns_response_len_mean", F64, "bytes", "mean length of responses").null(NO_RESPONSE),
    column("dns_response_len_max", F64, "bytes", "longest response").null(NO_RESPONSE),
    column("dns_amplification", F64, "", "octets of responses per octet of queries").null("not DNS, or no query was seen"),
    column("dns_transaction_id", U16, "", "id of the first message").option(),
    column("dns_response_authoritative", Bool, "", "the first response has AA").null(NO_RESPONSE),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Dns;

impl Group for Dns {
    type State = ();
    const INFO: GroupInfo = GroupInfo {
        name: "dns",
        meaning: "DNS, multicast DNS and LLMNR over all messages",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) {}

    fn finish((): &(), ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let spoken = ended.dissection.and_then(|read| read.dns());
        row.bool("dns_detected", spoken.is_some());
        if spoken.is_none() {
            return row.rest_is_null();
        }
        write_first(spoken, row);
        write_kind(spoken, row);
        write_exchanges(spoken, row);
        write_responses(spoken, row);
        write_edns(spoken, row);
        write_types(spoken, row);
        write_names(spoken, row);
        write_answers(spoken, row);
        write_lengths(spoken, row);
    }
}

fn write_first(spoken: Option<&Spoken>, row: &mut RowBuffer) {
    let question: Option<&FirstQuestion> = spoken.and_then(|dns| dns.question.as_deref());
    row.str("dns_query_name", question.map(|it| &*it.name));
    row.i64("dns_query_type", question.map(|it| i64::from(it.record_type)));
    row.text("dns_query_type_str", |out| {
        question.inspect(|it| push_type(out, it.record_type)).is_some()
    });
    let first = spoken.and_then(|dns| dns.first);
    let response = spoken.and_then(|dns| dns.response);
    row.i64("dns_response_code", response.map(|it| i64::from(it.rcode)));
    row.text("dns_response_code_str", |out| {
        response.inspect(|it| push_rcode(out, it.rcode)).is_some()
    });
    let count = |section: usize| response.map(|it| i64::from(it.header.counts[section]));
    row.i64("dns_answer_count", count(1));
    row.i64("dns_authority_count", count(2));
    row.i64("dns_additional_count", count(3));
    let ttl = response.and_then(|it| it.ttl);
    row.i64("dns_min_ttl", ttl.map(|(least, _)| i64::from(least)));
    row.i64("dns_max_ttl", ttl.map(|(_, most)| i64::from(most)));
    row.bool("dns_is_query", first.map(|it| !it.is_response()));
    row.bool("dns_is_response", first.map(|it| it.is_response()));
    row.bool("dns_truncated", response.map(|it| it.header.is_truncated()));
    row.bool("dns_recursion_desired", first.map(|it| it.recursion_desired()));
    row.bool("dns_recursion_available", response.map(|it| it.header.recursion_available()));
    let class = question.map(|it| it.class & rheos_wire::dns::CLASS_MASK);
    row.u16("dns_query_class", class);
    row.u8("dns_opcode", first.map(|it| it.opcode()));
}

fn write_kind(spoken: Option<&Spoken>, row: &mut RowBuffer) {
    row.bool("dns_over_tcp", spoken.map(|dns| dns.over_tcp));
    row.bool("dns_is_mdns", spoken.map(|dns| dns.app == App::Mdns));
    row.bool("dns_is_llmnr", spoken.map(|dns| dns.app == App::Llmnr));
}

fn write_exchanges(spoken: Option<&Spoken>, row: &mut RowBuffer) {
    row.u64("dns_queries", spoken.map(|dns| dns.queries.messages));
    row.u64("dns_responses", spoken.map(|dns| dns.responses.messages));
    row.u64("dns_malformed", spoken.map(|dns| dns.malformed));
    row.u64("dns_other_opcodes", spoken.map(|dns| dns.queries.other_opcodes));
    row.u64("dns_retransmitted", spoken.map(|dns| dns.exchanges.retransmitted));
    let unicast = spoken.filter(|dns| dns.app == App::Dns).map(|dns| &dns.exchanges);
    row.u64("dns_unanswered", unicast.map(Exchanges::unanswered));
    row.u64("dns_unsolicited", unicast.map(|it| it.unsolicited));
    let time = |of: fn(&Moments) -> Option<f64>| unicast.and_then(|it| of(&it.response_ns));
    let seconds = |nanos: f64| nanos / 1e9;
    row.f64("dns_response_time_min", time(Moments::min).map(seconds));
    row.f64("dns_response_time_mean", time(Moments::mean).map(seconds));
    row.f64("dns_response_time_max", time(Moments::max).map(seconds));
}

fn write_responses(spoken: Option<&Spoken>, row: &mut RowBuffer) {
    let responses = spoken.map(|dns| &dns.responses);
    row.u64("dns_answers", responses.map(|it| it.answers));
    let rcodes = [
        "dns_rcode_noerror",
        "dns_rcode_formerr",
        "dns_rcode_servfail",
        "dns_rcode_nxdomain",
        "dns_rcode_notimp",
        "dns_rcode_refused",
        "dns_rcode_other",
    ];
    for (place, name) in rcodes.into_iter().enumerate() {
        row.u64(name, responses.map(|it| it.rcodes[place]));
    }
    let some = responses.filter(|it| it.messages > 0);
    let absent = some.map(|it| it.rcodes[3] as f64 / it.messages as f64);
    row.f64("dns_nxdomain_ratio", absent);
    row.u64("dns_authoritative", responses.map(|it| it.authoritative));
    row.u64("dns_truncated_responses", responses.map(|it| it.truncated));
    row.u64("dns_authenticated", responses.map(|it| it.authenticated));
}

fn write_edns(spoken: Option<&Spoken>, row: &mut RowBuffer) {
    let queries = spoken.map(|dns| &dns.queries);
    row.u64("dns_edns_queries", queries.map(|it| it.edns));
    let with_edns = queries.filter(|it| it.edns > 0);
    row.u16("dns_edns_udp_size", with_edns.map(|it| it.udp_payload_max));
    row.u64("dns_dnssec_ok_queries", queries.map(|it| it.dnssec_ok));
    row.u64("dns_client_subnet_queries", queries.map(|it| it.client_subnet));
}

fn write_types(spoken: Option<&Spoken>, row: &mut RowBuffer) {
    let names = spoken.map(|dns| &dns.names);
    row.u64("dns_questions", names.map(NameTally::questions));
    row.text("dns_query_types", |out| names.is_some_and(|it| it.types.push_to(out)));
    let by_type = [
        "dns_questions_a",
        "dns_questions_aaaa",
        "dns_questions_ptr",
        "dns_questions_txt",
        "dns_questions_mx",
        "dns_questions_ns",
        "dns_questions_srv",
        "dns_questions_svcb",
        "dns_questions_null",
        "dns_questions_any",
    ];
    for (name, kind) in by_type.into_iter().zip(QueryType::ALL) {
        row.u64(name, names.map(|it| it.of_type(kind)));
    }
    row.u64("dns_questions_other", names.map(NameTally::of_other_types));
}

fn write_names(spoken: Option<&Spoken>, row: &mut RowBuffer) {
    let names = spoken.map(|dns| &dns.names);
    let some = names.filter(|it| it.questions() > 0);
    row.u64("dns_names", names.map(|it| it.distinct.count()));
    let ratio = some.map(|it| it.distinct.count() as f64 / it.questions() as f64);
    row.f64("dns_names_ratio", ratio);
    row.u64("dns_parent_names", names.map(|it| it.parents.count()));
    row.f64("dns_name_len_min", some.and_then(|it| it.len.min()));
    row.f64("dns_name_len_mean", some.and_then(|it| it.len.mean()));
    row.f64("dns_name_len_max", some.and_then(|it| it.len.max()));
    row.f64("dns_labels_mean", some.and_then(|it| it.labels.mean()));
    row.f64("dns_labels_max", some.and_then(|it| it.labels.max()));
    row.u8("dns_label_len_max", some.map(|it| it.label_len_max));
    row.f64("dns_name_entropy_mean", some.and_then(NameTally::entropy_mean));
    row.f64("dns_name_entropy_max", some.and_then(NameTally::entropy_max));
    row.f64("dns_name_digit_ratio", some.and_then(NameTally::digit_ratio));
}

fn write_answers(spoken: Option<&Spoken>, row: &mut RowBuffer) {
    let responses = spoken.map(|dns| &dns.responses);
    row.text("dns_answer_types", |out| responses.is_some_and(|it| it.types.push_to(out)));
    row.u64("dns_answer_addresses", responses.map(|it| it.addresses.count()));
    row.f64("dns_ttl_min", responses.and_then(|it| it.ttl.min()));
    row.f64("dns_ttl_mean", responses.and_then(|it| it.ttl.mean()));
    row.f64("dns_ttl_max", responses.and_then(|it| it.ttl.max()));
}

fn write_lengths(spoken: Option<&Spoken>, row: &mut RowBuffer) {
    let queries = spoken.map(|dns| &dns.queries.len);
    let responses = spoken.map(|dns| &dns.responses.len);
    row.f64("dns_query_len_mean", queries.and_then(Moments::mean));
    row.f64("dns_query_len_max", queries.and_then(Moments::max));
    row.f64("dns_response_len_mean", responses.and_then(Moments::mean));
    row.f64("dns_response_len_max", responses.and_then(Moments::max));
    let amplified = queries.zip(responses).filter(|(asked, _)| asked.sum > 0);
    row.f64("dns_amplification", amplified.map(|(asked, told)| told.sum as f64 / asked.sum as f64));
    row.u16("dns_transaction_id", spoken.and_then(|dns| dns.first).map(|it| it.id));
    let authoritative = spoken.and_then(|dns| dns.response).map(|it| it.header.is_authoritative());
    row.bool("dns_response_authoritative", authoritative);
}
