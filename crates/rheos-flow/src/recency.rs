//! Which flow (or half-assembled datagram) was seen least recently, and which are due to end.
//!
//! A flow's timeout depends only on its class (open, or closed and lingering), and within a class it is the
//! same for all. Then the order of expiry is the order of last sight, and a linked list per class keeps it
//! exactly: a packet moves its flow to the tail, the head is always the next to expire. That is O(1) per
//! packet with no rounding, against a timer wheel's ticks, cascades and re-arming of timers that packets
//! have long put off; and the same lists say which flow to evict when the table is full.
//!
//! The links lie in a dense array of their own, so that moving one flow does not pull its neighbours' slots
//! of some hundred bytes each into the cache.

use rheos_core::{Nanos, Timestamp};

/// No entry.
const NIL: u32 = u32::MAX;

/// Which of the two timeouts holds: 0 or 1.
pub(crate) type Class = u8;

/// What the lists know of one slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// Hash of the slot's key: here, so that a probe of the table reads no slot of another key.
    pub(crate) hash: u64,
    /// The table's clock when the flow was last touched.
    pub(crate) seen: Timestamp,
    prev: u32,
    next: u32,
    class: Class,
}

#[derive(Clone, Copy, Debug)]
struct List {
    head: u32,
    tail: u32,
    timeout: Nanos,
}

/// The lists of both classes over one array of links.
#[derive(Debug)]
pub(crate) struct Recency {
    links: Vec<Link>,
    lists: [List; 2],
    /// Nothing is due up to and including this moment: one comparison per packet.
    quiet_until: Timestamp,
}

impl Recency {
    /// Empty lists; a slot is due when the clock is more than its class's timeout beyond its last sight.
    pub(crate) fn new(timeouts: [Nanos; 2]) -> Self {
        Self {
            links: Vec::new(),
            lists: timeouts.map(|timeout| List { head: NIL, tail: NIL, timeout }),
            quiet_until: Timestamp::MAX,
        }
    }

    /// The link of a slot.
    #[inline]
    pub(crate) fn link(&self, slot: u32) -> &Link {
        &self.links[slot as usize]
    }

    /// Puts a slot that is in no list at the tail of `class`.
    pub(crate) fn insert(&mut self, slot: u32, hash: u64, class: Class, now: Timestamp) {
        let link = Link { hash, seen: now, prev: NIL, next: NIL, class };
        match self.links.get_mut(slot as usize) {
            Some(place) => *place = link,
            None => self.links.push(link),
        }
        self.append(slot, class, now);
    }

    /// Moves a slot to the tail of `class`. `now` never runs back.
    #[inline]
    pub(crate) fn touch(&mut self, slot: u32, class: Class, now: Timestamp) {
        let link = &mut self.links[slot as usize];
        if link.class == class && self.lists[usize::from(class)].tail == slot {
            link.seen = now;
            return;
        }
        self.remove(slot);
        self.append(slot, class, now);
    }

    /// Takes a slot out of its list.
    pub(crate) fn remove(&mut self, slot: u32) {
        let Link { prev, next, class, .. } = self.links[slot as usize];
        let list = &mut self.lists[usize::from(class)];
        match prev {
            NIL => list.head = next,
            _ => self.links[prev as usize].next = next,
        }
        match next {
            NIL => list.tail = prev,
            _ => self.links[next as usize].prev = prev,
        }
    }

    fn append(&mut self, slot: u32, class: Class, now: Timestamp) {
        let list = &mut self.lists[usize::from(class)];
        let tail = list.tail;
        list.tail = slot;
        if tail == NIL {
            list.head = slot;
            self.quiet_until = self.quiet_until.min(now + list.timeout);
        } else {
            self.links[tail as usize].next = slot;
        }
        let link = &mut self.links[slot as usize];
        link.seen = now;
        link.prev = tail;
        link.next = NIL;
        link.class = class;
    }

    /// Whether [`Self::overdue`] may find something.
    #[inline]
    pub(crate) fn may_be_overdue(&self, now: Timestamp) -> bool {
        now > self.quiet_until
    }

    /// The slot whose timeout ran out first before `now`, if any did.
    pub(crate) fn overdue(&mut self, now: Timestamp) -> Option<u32> {
        let due = |list: &List| {
            (list.head != NIL)
                .then(|| (self.links[list.head as usize].seen + list.timeout, list.head))
        };
        let first = match (due(&self.lists[0]), due(&self.lists[1])) {
            (Some(zero), Some(one)) => Some(if one.0 < zero.0 { one } else { zero }),
            (zero, one) => zero.or(one),
        };
        let Some((deadline, slot)) = first else {
            self.quiet_until = Timestamp::MAX;
            return None;
        };
        if now > deadline {
            return Some(slot);
        }
        self.quiet_until = deadline;
        None
    }

    /// The slot seen least recently, of both classes; among equals one of class 1.
    pub(crate) fn oldest(&self) -> Option<u32> {
        let seen = |list: &List| {
            (list.head != NIL).then(|| (self.links[list.head as usize].seen, list.head))
        };
        match (seen(&self.lists[0]), seen(&self.lists[1])) {
            (Some(zero), Some(one)) => Some(if zero.0 < one.0 { zero.1 } else { one.1 }),
            (zero, one) => zero.or(one).map(|(_, slot)| slot),
        }
    }

    /// Every slot that is in a list: class 0, then class 1, each longest unseen first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.lists.iter().flat_map(|list| {
            let first = (list.head != NIL).then_some(list.head);
            std::iter::successors(first, |&slot| {
                let next = self.links[slot as usize].next;
                (next != NIL).then_some(next)
            })
        })
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.links.clear();
        for list in &mut self.lists {
            (list.head, list.tail) = (NIL, NIL);
        }
        self.quiet_until = Timestamp::MAX;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    #[test]
    fn the_first_to_run_out_comes_first_whatever_its_class() {
        let mut recency = Recency::new([Nanos(100), Nanos(10)]);
        for slot in 0..4 {
            recency.insert(slot, 0, 0, at(u64::from(slot)));
        }
        recency.touch(1, 1, at(5));
        recency.touch(0, 0, at(6));
        assert_eq!(recency.iter().collect::<Vec<_>>(), [2, 3, 0, 1]);
        assert_eq!(recency.oldest(), Some(2));
        assert!(!recency.may_be_overdue(at(15)));
        assert_eq!(recency.overdue(at(15)), None);
        assert_eq!(recency.overdue(at(16)), Some(1), "10 after 5");
        recency.remove(1);
        assert_eq!(recency.overdue(at(102)), None, "exactly the timeout is not beyond it");
        assert_eq!(recency.overdue(at(103)), Some(2));
        recency.remove(2);
        recency.remove(3);
        recency.remove(0);
        assert_eq!(recency.overdue(at(1 << 40)), None);
        assert_eq!(recency.oldest(), None);
    }
}
