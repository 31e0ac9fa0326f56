//! DNS: every message of a flow, over UDP and TCP, multicast DNS and LLMNR included.
//!
//! Kept are the first question, the first response, and counts; names only as hashes. A response belongs to a query
//! of the other side with the same id and question.

mod exchanges;
mod names;
mod tally;

use rheos_core::{Direction, Timestamp};
use rheos_wire::App;
use rheos_wire::dns::{
    self, Entries, Entry, Header, Opt, Question, Record, Section, record_type, stream_message,
};

pub use exchanges::{Answer, EXCHANGES_MAX, Exchanges};
pub use names::{NAMES_KEPT, NameTally, PARENTS_KEPT};
pub use tally::{ADDRESSES_KEPT, QueryTally, ResponseTally, TYPES_MAX, Types};

use super::{Chunk, Datagram, Detect, Dissector, Opening, Sides, Start, Taken, Verdict, Wants};

/// So many messages that cannot be read, with none that can, end the reading.
pub const MALFORMED_MAX: u64 = 16;

/// What a flow says in DNS.
#[derive(Debug)]
pub struct Dns {
    /// Plain DNS, multicast DNS or LLMNR.
    pub app: App,
    /// Its first message.
    pub first: Option<Header>,
    /// Its first question, in whatever message.
    pub question: Option<Box<FirstQuestion>>,
    /// Its first response.
    pub response: Option<FirstResponse>,
    /// Its queries: messages without QR.
    pub queries: QueryTally,
    /// Its responses.
    pub responses: ResponseTally,
    /// What was asked for.
    pub names: NameTally,
    /// Queries and their responses.
    pub exchanges: Exchanges,
    /// Messages that are not whole or not sound, and not for being cut by the capture.
    pub malformed: u64,
    /// It is spoken over TCP.
    pub over_tcp: bool,
    /// Sides whose messages begin nobody knows where, because bytes are lost.
    lost: [bool; 2],
}

/// A question, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstQuestion {
    /// The name, escaped.
    pub name: String,
    /// The type.
    pub record_type: u16,
    /// The class as sent.
    pub class: u16,
}

/// What the first response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstResponse {
    /// Its header.
    pub header: Header,
    /// Its response code, with the bits that EDNS(0) adds.
    pub rcode: u16,
    /// Least and greatest time to live of its answers, in seconds.
    pub ttl: Option<(u32, u32)>,
}

/// What is gathered of one message before it is counted.
#[derive(Debug, Default)]
struct Gathered<'a> {
    question: Option<Question<'a>>,
    opt: Option<Opt<'a>>,
    ttl: Option<(u32, u32)>,
}

impl Dns {
    /// Takes in a message; `cut` if the capture has only its beginning.
    fn on_message(&mut self, direction: Direction, ts: Timestamp, message: &[u8], cut: bool) {
        let Some(header) = Header::parse(message) else {
            self.malformed += 1;
            return;
        };
        self.first.get_or_insert(header);
        let mut entries = Entries::new(&header, message);
        let mut gathered = Gathered::default();
        // Names are counted once per exchange: in the query, or in a response whose query was not seen.
        let asks = !header.is_response();
        for entry in entries.by_ref() {
            match entry {
                Entry::Question(question) => self.on_question(&mut gathered, question, asks),
                Entry::Record(record) => self.on_record(&mut gathered, &header, &record),
            }
        }
        self.malformed += u64::from(!cut && !entries.is_whole());
        let key = gathered.question.map(|question| names::question_hash(&question));
        if asks {
            self.queries.on_query(&header, message.len(), gathered.opt);
            self.exchanges.on_query(direction, ts, header.id, key);
        } else {
            let answer = self.exchanges.on_response(direction, ts, header.id, key);
            if answer == Answer::Unsolicited {
                self.count_names(&header, message);
            }
            self.on_response(&header, message.len(), &gathered);
        }
    }

    fn on_question<'a>(&mut self, gathered: &mut Gathered<'a>, question: Question<'a>, asks: bool) {
        gathered.question.get_or_insert(question);
        if self.question.is_none() {
            let mut name = String::new();
            question.name.push_to(&mut name);
            let Question { record_type, class, .. } = question;
            self.question = Some(Box::new(FirstQuestion { name, record_type, class }));
        }
        if asks {
            self.names.on_question(&question);
        }
    }

    /// Counts the questions of a response whose query was not seen.
    fn count_names(&mut self, header: &Header, message: &[u8]) {
        for entry in Entries::new(header, message) {
            let Entry::Question(question) = entry else { return };
            self.names.on_question(&question);
        }
    }

    fn on_record<'a>(&mut self, gathered: &mut Gathered<'a>, header: &Header, record: &Record<'a>) {
        if let Some(opt) = record.opt() {
            gathered.opt.get_or_insert(opt);
        } else if header.is_response() && record.section == Section::Answer {
            let ttl = lifetime(record);
            let (least, most) = gathered.ttl.unwrap_or((ttl, ttl));
            gathered.ttl = Some((least.min(ttl), most.max(ttl)));
            self.responses.on_answer(record, ttl);
        }
    }

    fn on_response(&mut self, header: &Header, len: usize, gathered: &Gathered<'_>) {
        let high = gathered.opt.map_or(0, |opt| opt.rcode_high());
        let rcode = high << 4 | header.rcode();
        let first = FirstResponse { header: *header, rcode, ttl: gathered.ttl };
        self.response.get_or_insert(first);
        self.responses.on_response(header, rcode, len);
    }

    fn is_hopeless(&self) -> bool {
        self.malformed >= MALFORMED_MAX
            && self.queries.messages + self.responses.messages <= self.malformed
    }
}

/// The time to live in seconds; one with the top bit set counts as 0 (RFC 2181 section 8).
fn lifetime(record: &Record<'_>) -> u32 {
    if record.ttl > i32::MAX as u32 { 0 } else { record.ttl }
}

/// Ports at which DNS is expected: a first message there that is not sound does not end detection.
const PORT: u16 = 53;
const MULTICAST_PORT: u16 = 5353;
const LLMNR_PORT: u16 = 5355;

/// Which kind of DNS: all have the same form, so that only ports tell them apart.
fn app_of(ports: [u16; 2]) -> App {
    if ports.contains(&MULTICAST_PORT) {
        App::Mdns
    } else if ports.contains(&LLMNR_PORT) {
        App::Llmnr
    } else {
        App::Dns
    }
}

impl Detect for Dns {
    const APPS: &'static [App] = &[App::Dns, App::Mdns, App::Llmnr];

    fn begin(start: &Start) -> Self {
        Self {
            app: start.app,
            first: None,
            question: None,
            response: None,
            queries: QueryTally::default(),
            responses: ResponseTally::default(),
            names: NameTally::default(),
            exchanges: Exchanges::default(),
            malformed: 0,
            over_tcp: !start.datagrams,
            lost: [false; 2],
        }
    }

    fn detect_stream(sides: &Sides<'_>) -> Verdict {
        let said = sides.bytes.into_iter().filter(|bytes| !bytes.is_empty());
        let mut verdict = Verdict::More;
        for told in said.map(|bytes| dns::detect(bytes, true)) {
            match told {
                Some(true) => {
                    verdict = Verdict::yes(app_of(sides.ports), "dns.stream_message", 0.95);
                }
                Some(false) => return Verdict::No,
                None => {}
            }
        }
        verdict
    }

    fn detect_datagram(opening: &Opening<'_>) -> Verdict {
        let Opening { bytes, sent_len, ports, .. } = *opening;
        let app = app_of(ports);
        let bare = bytes.len() == dns::HEADER_LEN;
        let cut = (bytes.len() as u64) < u64::from(sent_len);
        if dns::detect(bytes, false) == Some(true) {
            let (rule, confidence) = if bare { ("dns.header", 0.5) } else { ("dns.message", 0.95) };
            Verdict::yes(app, rule, confidence)
        } else if cut && dns::detect_cut(bytes) {
            Verdict::yes(app, "dns.message_begun", 0.9)
        } else if [PORT, MULTICAST_PORT, LLMNR_PORT].iter().any(|port| ports.contains(port)) {
            Verdict::More
        } else {
            Verdict::No
        }
    }
}

impl Dissector for Dns {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        let lost = &mut self.lost[chunk.direction.index()];
        *lost |= chunk.gap;
        if *lost {
            // A segment often begins with a message: bytes that look so begin with one.
            match dns::detect(chunk.bytes, true) {
                Some(true) => *lost = false,
                Some(false) => {
                    return Taken { consumed: chunk.bytes.len(), skip: 0, wants: Wants::More };
                }
                None => return Taken::first(0),
            }
        }
        let mut at = 0;
        while let Some((message, len)) = chunk.bytes.get(at..).and_then(stream_message) {
            self.on_message(chunk.direction, chunk.ts, message, false);
            at += len;
            if self.is_hopeless() {
                return Taken::enough();
            }
        }
        Taken::first(at)
    }

    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        let Datagram { direction, ts, bytes, sent_len } = datagram;
        self.on_message(direction, ts, bytes, (bytes.len() as u64) < u64::from(sent_len));
        if self.is_hopeless() { Wants::Enough } else { Wants::More }
    }

    fn is_certain(&self) -> bool {
        self.exchanges.response_ns.n > 0
    }

    fn heap_bytes(&self) -> usize {
        let question = self.question.as_ref();
        question.map_or(0, |it| size_of::<FirstQuestion>() + it.name.capacity())
            + self.responses.heap_bytes()
            + self.names.heap_bytes()
            + self.exchanges.heap_bytes()
    }
}

/// Whether a type is counted on its own, and where.
pub(super) fn counted_type(number: u16) -> usize {
    let counted = QueryType::ALL.iter().position(|kind| kind.numbers().contains(&number));
    counted.unwrap_or(QueryType::ALL.len())
}

/// Types of records whose questions are counted on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryType {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Names of addresses, and services of multicast DNS.
    Ptr,
    /// Text.
    Txt,
    /// Mail exchanges.
    Mx,
    /// Name servers.
    Ns,
    /// Services.
    Srv,
    /// Service bindings, HTTPS included.
    Svcb,
    /// Anything.
    Null,
    /// Whatever there is.
    Any,
}

impl QueryType {
    /// Each of them.
    pub const ALL: [Self; 10] = [
        Self::A,
        Self::Aaaa,
        Self::Ptr,
        Self::Txt,
        Self::Mx,
        Self::Ns,
        Self::Srv,
        Self::Svcb,
        Self::Null,
        Self::Any,
    ];

    fn numbers(self) -> &'static [u16] {
        match self {
            Self::A => &[record_type::A],
            Self::Aaaa => &[record_type::AAAA],
            Self::Ptr => &[record_type::PTR],
            Self::Txt => &[record_type::TXT],
            Self::Mx => &[record_type::MX],
            Self::Ns => &[record_type::NS],
            Self::Srv => &[record_type::SRV],
            Self::Svcb => &[record_type::SVCB, record_type::HTTPS],
            Self::Null => &[record_type::NULL],
            Self::Any => &[record_type::ANY],
        }
    }
}
