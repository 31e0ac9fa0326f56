//! Queries and the responses to them.

use rheos_core::{Direction, Timestamp};

use crate::moments::Moments;

/// Exchanges that are remembered at once; when there are more, the oldest answered one is forgotten, or else the
/// oldest, which then counts as unanswered.
pub const EXCHANGES_MAX: usize = 64;

/// One query, and whether it was answered.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    asked: Timestamp,
    /// Hash of the first question; `None` without one.
    question: Option<u64>,
    id: u16,
    by: Direction,
    answered: bool,
}

/// What a response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The first to a query.
    First,
    /// One more, as in a transfer of a zone.
    Again,
    /// Nobody asked.
    Unsolicited,
}

/// The exchanges of a flow.
#[derive(Debug, Default)]
pub struct Exchanges {
    /// In order of their queries.
    open: Vec<Exchange>,
    forgotten_unanswered: u64,
    /// Queries that were sent once more before they were answered.
    pub retransmitted: u64,
    /// Responses to no query that is remembered.
    pub unsolicited: u64,
    /// From a query, sent for the first time, to its first response, in nanoseconds.
    pub response_ns: Moments,
}

impl Exchanges {
    /// A side asks.
    pub(super) fn on_query(
        &mut self,
        by: Direction,
        asked: Timestamp,
        id: u16,
        question: Option<u64>,
    ) {
        let same = |it: &&mut Exchange| it.by == by && it.id == id && it.question == question;
        match self.open.iter_mut().find(same) {
            Some(known) if known.answered => (known.asked, known.answered) = (asked, false),
            Some(_) => self.retransmitted += 1,
            None => {
                self.make_room();
                self.open.push(Exchange { asked, question, id, by, answered: false });
            }
        }
    }

    /// A side responds.
    pub(super) fn on_response(
        &mut self,
        by: Direction,
        ts: Timestamp,
        id: u16,
        question: Option<u64>,
    ) -> Answer {
        // A response without a question (an error, the further messages of a transfer) is told by its id alone.
        let matches = |it: &&mut Exchange| {
            it.by != by && it.id == id && (question.is_none() || it.question == question)
        };
        let mut found = self.open.iter_mut().filter(matches);
        match found.next_back() {
            Some(exchange) if exchange.answered => Answer::Again,
            Some(exchange) => {
                exchange.answered = true;
                let waited = ts.as_nanos().saturating_sub(exchange.asked.as_nanos());
                self.response_ns.push(waited);
                Answer::First
            }
            None => {
                self.unsolicited += 1;
                Answer::Unsolicited
            }
        }
    }

    fn make_room(&mut self) {
        if self.open.len() >= EXCHANGES_MAX {
            let place = self.open.iter().position(|it| it.answered).unwrap_or(0);
            let forgotten = self.open.remove(place);
            self.forgotten_unanswered += u64::from(!forgotten.answered);
        }
    }

    /// Queries, each counted once however often it was sent, without a response.
    pub fn unanswered(&self) -> u64 {
        let open = self.open.iter().filter(|it| !it.answered).count();
        self.forgotten_unanswered + open as u64
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.open.capacity() * size_of::<Exchange>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const F: Direction = Direction::Forward;
    const B: Direction = Direction::Backward;

    fn at(ns: u64) -> Timestamp {
        Timestamp::from_nanos(ns)
    }

    #[test]
    fn responses_belong_to_the_query_with_their_id_and_question() {
        let mut all = Exchanges::default();
        all.on_query(F, at(10), 7, Some(1));
        all.on_query(F, at(20), 7, Some(2));
        assert_eq!(all.on_response(B, at(50), 7, Some(2)), Answer::First);
        assert_eq!(all.on_response(F, at(50), 7, Some(1)), Answer::Unsolicited, "its own");
        assert_eq!(all.on_response(B, at(50), 8, Some(1)), Answer::Unsolicited, "another id");
        assert_eq!(all.on_response(B, at(50), 7, Some(3)), Answer::Unsolicited, "other question");
        assert_eq!(all.on_response(B, at(60), 7, Some(2)), Answer::Again);
        assert_eq!((all.unanswered(), all.unsolicited), (1, 3));
        assert_eq!((all.response_ns.n, all.response_ns.sum), (1, 30));
    }

    #[test]
    fn a_query_sent_again_is_the_same_until_it_is_answered() {
        let mut all = Exchanges::default();
        all.on_query(F, at(0), 7, Some(1));
        all.on_query(F, at(5), 7, Some(1));
        assert_eq!((all.retransmitted, all.unanswered()), (1, 1));
        all.on_response(B, at(8), 7, None);
        assert_eq!(all.response_ns.sum, 8, "since it was first sent");
        all.on_query(F, at(100), 7, Some(1));
        assert_eq!((all.retransmitted, all.unanswered()), (1, 1), "a new one");
        all.on_response(B, at(101), 7, Some(1));
        assert_eq!(all.response_ns.sum, 9);
    }

    #[test]
    fn the_answered_are_forgotten_first() {
        let mut all = Exchanges::default();
        for id in 0..EXCHANGES_MAX as u16 {
            all.on_query(F, at(0), id, None);
        }
        all.on_response(B, at(1), 5, None);
        all.on_query(F, at(2), 1000, None);
        assert_eq!(all.on_response(B, at(3), 5, None), Answer::Unsolicited, "forgotten");
        assert_eq!(all.unanswered(), EXCHANGES_MAX as u64);
        all.on_query(F, at(4), 1001, None);
        assert_eq!(all.on_response(B, at(5), 0, None), Answer::Unsolicited, "the oldest");
        assert_eq!(all.unanswered(), EXCHANGES_MAX as u64 + 1);
        assert!(all.heap_bytes() <= 2 * EXCHANGES_MAX * size_of::<Exchange>());
    }
}
