//! HTTP/2 in clear text (RFC 9113): recognised by the client's preface alone, read frame by frame. Payloads are
//! stepped over; fields stay compressed.

use rheos_core::Direction;
use rheos_wire::App;
use rheos_wire::http2::{END_STREAM, FRAME_HEADER_LEN, FrameHeader, PREFACE, frame_type};

use super::{Chunk, Detect, Dissector, Sides, Start, Taken, Verdict, Wants};

/// Streams whose end is waited for at most; of more the oldest is forgotten.
pub const OPEN_MAX: usize = 128;

/// What HTTP/2 said in a flow.
#[derive(Debug, Default)]
pub struct Http2 {
    /// The client's preface was seen.
    pub preface: bool,
    /// Frames.
    pub frames: u64,
    /// Frames of each type from [`frame_type::DATA`] to [`frame_type::CONTINUATION`].
    pub by_type: [u64; 10],
    /// Bytes of DATA frames' payload.
    pub data_bytes: u64,
    /// Streams that were opened, the connection's own left out.
    pub streams: u64,
    /// Most streams that were open at once.
    pub open_max: u32,
    /// Where each side is.
    sides: [Side; 2],
    /// The highest stream of the client's (odd) and of the server's (even).
    highest: [u32; 2],
    /// Open streams, and which sides are done with them: bit by [`Direction::index`].
    open: Vec<(u32, u8)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Side {
    /// Nothing was read.
    #[default]
    Begin,
    /// After the preface: settings have to come.
    Settings,
    Frames,
}

impl Detect for Http2 {
    const APPS: &'static [App] = &[App::Http2];

    fn begin(_: &Start) -> Self {
        Self::default()
    }

    fn detect_stream(sides: &Sides<'_>) -> Verdict {
        let found = Verdict::yes(App::Http2, "http2.preface", 1.0);
        let of = |bytes: &[u8]| match bytes {
            [] => Verdict::No,
            _ => Verdict::of_prefix(bytes, PREFACE, found),
        };
        let verdicts = sides.bytes.map(of);
        if verdicts.contains(&found) {
            return found;
        }
        // A server may send its settings first.
        let settings = sides
            .bytes
            .iter()
            .any(|bytes| FrameHeader::read(bytes).is_some_and(|frame| frame.is_first()));
        let silent = sides.bytes.iter().any(|bytes| bytes.is_empty());
        let begun = verdicts.contains(&Verdict::More);
        if begun || settings && silent { Verdict::More } else { Verdict::No }
    }
}

impl Dissector for Http2 {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        if chunk.gap {
            // Where the next frame begins cannot be told.
            return Taken::enough();
        }
        let place = chunk.direction.index();
        match self.sides[place] {
            Side::Begin => match Verdict::of_prefix(chunk.bytes, PREFACE, PREFACE_SEEN) {
                Verdict::Yes(_) => {
                    self.preface = true;
                    self.sides[place] = Side::Settings;
                    Taken::first(PREFACE.len())
                }
                Verdict::More => Taken::first(0),
                Verdict::No => {
                    self.sides[place] = Side::Settings;
                    self.on_frame(&chunk)
                }
            },
            Side::Settings | Side::Frames => self.on_frame(&chunk),
        }
    }

    fn is_certain(&self) -> bool {
        self.preface && self.sides == [Side::Frames; 2]
    }

    fn heap_bytes(&self) -> usize {
        self.open.capacity() * size_of::<(u32, u8)>()
    }
}

/// Stands for a preface that was found.
const PREFACE_SEEN: Verdict = Verdict::yes(App::Http2, "http2.preface", 1.0);

impl Http2 {
    fn on_frame(&mut self, chunk: &Chunk<'_>) -> Taken {
        let Some(frame) = FrameHeader::read(chunk.bytes) else { return Taken::first(0) };
        let side = &mut self.sides[chunk.direction.index()];
        if *side == Side::Settings && !frame.is_first() {
            let wants =
                if self.frames == 0 && !self.preface { Wants::Mistaken } else { Wants::Enough };
            return Taken::then(0, wants);
        }
        *side = Side::Frames;
        self.frames += 1;
        if let Some(count) = self.by_type.get_mut(usize::from(frame.kind)) {
            *count += 1;
        }
        if frame.kind == frame_type::DATA {
            self.data_bytes += u64::from(frame.len);
        }
        self.follow_stream(&frame, chunk.direction);
        Taken::skip(FRAME_HEADER_LEN, u64::from(frame.len))
    }

    /// Opens and closes streams (RFC 9113 section 5.1).
    fn follow_stream(&mut self, frame: &FrameHeader, from: Direction) {
        let id = frame.stream;
        let highest = &mut self.highest[usize::from(id.is_multiple_of(2))];
        if frame.kind == frame_type::HEADERS && id > *highest {
            *highest = id;
            self.streams += 1;
            if self.open.len() >= OPEN_MAX {
                self.open.remove(0);
            }
            self.open.push((id, 0));
            self.open_max = self.open_max.max(self.open.len() as u32);
        }
        let ends = matches!(frame.kind, frame_type::DATA | frame_type::HEADERS)
            && frame.flags & END_STREAM != 0;
        let broken_off = frame.kind == frame_type::RST_STREAM;
        if !ends && !broken_off {
            return;
        }
        if let Some(at) = self.open.iter().position(|(open, _)| *open == id) {
            let done = &mut self.open[at].1;
            *done |= 1 << from.index();
            // What the server pushes has no request.
            if *done == 3 || broken_off || id.is_multiple_of(2) {
                self.open.remove(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32) -> FrameHeader {
        FrameHeader { len: 0, kind, flags, stream }
    }

    #[test]
    fn streams_are_open_until_both_sides_are_done() {
        let mut http = Http2::default();
        let (client, server) = (Direction::Forward, Direction::Backward);
        http.follow_stream(&frame(frame_type::HEADERS, END_STREAM, 1), client);
        http.follow_stream(&frame(frame_type::HEADERS, 0, 3), client);
        assert_eq!((http.streams, http.open.len()), (2, 2));
        http.follow_stream(&frame(frame_type::HEADERS, 0, 1), server);
        http.follow_stream(&frame(frame_type::DATA, END_STREAM, 1), server);
        assert_eq!(http.open, [(3, 0)]);
        http.follow_stream(&frame(frame_type::RST_STREAM, 0, 3), server);
        http.follow_stream(&frame(frame_type::HEADERS, 0, 2), server);
        assert_eq!((http.streams, http.open_max, http.open.len()), (3, 2, 1));
        http.follow_stream(&frame(frame_type::DATA, END_STREAM, 2), server);
        assert!(http.open.is_empty());
    }

    #[test]
    fn open_streams_are_bounded() {
        let mut http = Http2::default();
        for i in 0..10 * OPEN_MAX as u32 {
            http.follow_stream(&frame(frame_type::HEADERS, 0, 2 * i + 1), Direction::Forward);
        }
        assert_eq!(http.open.len(), OPEN_MAX);
    }
}
