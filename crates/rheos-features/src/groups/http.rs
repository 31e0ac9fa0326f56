//! HTTP/1 messages: what was asked for, what was answered, how much.
//!
//! All columns are there only when asked for: they tell what people do.

use crate::column::{Column, GroupInfo, Identity, Kind, Privacy, Profile};
use crate::groups::{Ended, Group};
use crate::row::RowBuffer;

const fn column(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    meaning: &'static str,
) -> Column {
    let column = Column::new(name, kind, unit, meaning).profile(Profile::Extended).option();
    column.privacy(Privacy::Sensitive).null(NOT_HTTP)
}

const NOT_HTTP: &str = "no HTTP/1 was found";
const NO_REQUEST: &str = "no whole head of a request was seen";
const NO_RESPONSE: &str = "no whole head of a response was seen";

use Kind::{F64, Str, U8, U16, U32, U64};

const COLUMNS: &[Column] = &[
    column("http_method", Str, "", "method of the first request").null(NO_REQUEST),
    column("http_host", Str, "", "whom the first request is for: the authority in its target (CONNECT, absolute form), else its Host field; at most 512 bytes; what is no printable ASCII as `\\x` and two digits").identity(Identity::Name).null("no request was seen, or it names no host"),
    column("http_target_length", U32, "bytes", "length of the first request's target: path and query").null(NO_REQUEST),
    column("http_user_agent", Str, "", "User-Agent field of the first request; at most 512 bytes").identity(Identity::Name).null("no request was seen, or it has no such field"),
    column("http_status", U16, "", "status of the first response that is not an interim one (1xx other than 101)").null(NO_RESPONSE),
    column("http_content_type", Str, "", "Content-Type field of the first response").null("no response was seen, or it has no such field"),
    column("http_server", Str, "", "Server field of the first response").null("no response was seen, or it has no such field"),
    column("http_response_time", F64, "s", "from the end of the first request's head to the end of the first response's head").null("request or response was not seen, or the response came first"),
    column("http_requests", U32, "count", "requests whose head was whole").fwd(),
    column("http_responses", U32, "count", "responses whose head was whole, interim ones (1xx other than 101) left out").bwd(),
    column("http_error_responses", U32, "count", "responses with a status of 400 or higher").bwd(),
    column("http_pipelined_max", U8, "count", "most requests that waited for their response at once; 64 stands for more"),
    column("http_request_header_bytes", U64, "bytes", "heads of requests: start line, fields and the empty line").fwd(),
    column("http_response_header_bytes", U64, "bytes", "heads of responses, interim ones too").bwd(),
    column("http_request_body_bytes", U64, "bytes", "bodies of requests: as Content-Length says, or the chunks' sizes").fwd(),
    column("http_response_body_bytes", U64, "bytes", "bodies of responses: as Content-Length says, or the chunks' sizes, or what was seen where the connection's end ends the body").bwd(),
    column("http_switched_to", Str, "", "what the connection became: `connect` (a tunnel), or the token of the Upgrade field of a response with status 101, in lower case").null("no HTTP/1 was found, or it stayed HTTP/1"),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Http;

impl Group for Http {
    type State = ();
    const INFO: GroupInfo = GroupInfo {
        name: "http",
        meaning: "HTTP/1 requests and responses; only when asked for",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) {}

    fn finish((): &(), ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let http = ended.dissection.and_then(|read| read.http1());
        if http.is_none() {
            return row.rest_is_null();
        }
        let request = http.and_then(|http| http.request.as_deref());
        let response = http.and_then(|http| http.response.as_deref());
        row.str("http_method", request.map(|request| &*request.method));
        row.str("http_host", request.and_then(|request| request.host.as_deref()));
        row.u32("http_target_length", request.map(|request| request.target_len));
        row.str("http_user_agent", request.and_then(|request| request.user_agent.as_deref()));
        row.u16("http_status", response.map(|response| response.status));
        row.str("http_content_type", response.and_then(|it| it.content_type.as_deref()));
        row.str("http_server", response.and_then(|response| response.server.as_deref()));
        let both = request.zip(response).filter(|(request, response)| request.ts <= response.ts);
        let time = both.map(|(request, response)| response.ts.since(request.ts).as_secs_f64());
        row.f64("http_response_time", time);
        row.u32("http_requests", http.map(|http| http.requests.count));
        row.u32("http_responses", http.map(|http| http.responses.count));
        row.u32("http_error_responses", http.map(|http| http.errors));
        row.u8("http_pipelined_max", http.map(|http| http.pipelined_max));
        row.u64("http_request_header_bytes", http.map(|http| http.requests.head_bytes));
        row.u64("http_response_header_bytes", http.map(|http| http.responses.head_bytes));
        row.u64("http_request_body_bytes", http.map(|http| http.requests.body_bytes));
        row.u64("http_response_body_bytes", http.map(|http| http.responses.body_bytes));
        row.str("http_switched_to", http.and_then(|http| http.switched_to.as_deref()));
    }
}
