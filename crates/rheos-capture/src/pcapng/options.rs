//! Options of pcapng blocks, and the limits on the text that is kept of them.

use crate::info::{About, ByteOrder, Comment, FileInfo, InterfaceInfo, Resolution};

/// Bytes of one name that are kept.
const MAX_NAME: usize = 1024;

/// The options at the end of a block. A broken one ends the list.
#[derive(Clone)]
pub(super) struct Options<'a> {
    order: ByteOrder,
    rest: &'a [u8],
}

impl<'a> Options<'a> {
    pub(super) fn new(order: ByteOrder, rest: &'a [u8]) -> Self {
        Self { order, rest }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[a, b, c, d], rest) = self.rest.split_first_chunk()?;
        let code = self.order.u16([a, b]);
        let len = usize::from(self.order.u16([c, d]));
        // opt_endofopt
        if code == 0 {
            self.rest = &[];
            return None;
        }
        let Some(value) = rest.get(..len) else {
            self.rest = &[];
            return None;
        };
        self.rest = rest.get(len.next_multiple_of(4)..).unwrap_or(&[]);
        Some((code, value))
    }
}

/// The value of an option of eight bytes.
pub(super) fn u64_of(order: ByteOrder, value: &[u8]) -> Option<u64> {
    Some(order.u64(value.try_into().ok()?))
}

/// How many more bytes of text are kept.
#[derive(Debug)]
pub(crate) struct Texts {
    left: usize,
}

impl Texts {
    pub(crate) fn new(limit: usize) -> Self {
        Self { left: limit }
    }

    /// The text of an option, unless that is more than is kept. Writers may end it with zeros.
    pub(super) fn text(&mut self, value: &[u8]) -> Option<String> {
        let end = value.iter().rposition(|&b| b != 0).map_or(0, |at| at + 1);
        let value = &value[..end];
        self.left = self.left.checked_sub(value.len())?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// As [`Self::text`], for names; counts what is left out.
    pub(super) fn counted(&mut self, value: &[u8], info: &mut FileInfo) -> Option<String> {
        let text = if value.len() > MAX_NAME { None } else { self.text(value) };
        info.text_cut += u64::from(text.is_none());
        text
    }
}

/// Keeps one comment if there is room for it.
pub(super) fn keep_comment(
    info: &mut FileInfo,
    about: About,
    value: &[u8],
    max_comments: usize,
    texts: &mut Texts,
) {
    if info.comments.len() >= max_comments {
        return;
    }
    match texts.text(value) {
        Some(text) => info.comments.push(Comment { about, text }),
        None => info.text_cut += 1,
    }
}

/// Keeps the comments among the options of a block.
pub(super) fn keep_comments(
    info: &mut FileInfo,
    about: About,
    options: Options<'_>,
    max_comments: usize,
    texts: &mut Texts,
) {
    for (_, value) in options.filter(|&(code, _)| code == 1) {
        info.comments_total += 1;
        keep_comment(info, about, value, max_comments, texts);
    }
}

/// Reads the options of an interface description block (draft, section 4.2).
pub(super) fn read_interface(
    interface: &mut InterfaceInfo,
    options: Options<'_>,
    texts: &mut Texts,
    info: &mut FileInfo,
) {
    let order = options.order;
    for (code, value) in options {
        match (code, value) {
            (2, _) => interface.name = texts.counted(value, info),
            (3, _) => interface.description = texts.counted(value, info),
            (8, _) => interface.speed = u64_of(order, value),
            (9, &[n, ..]) => {
                interface.resolution = match n & 0x7f {
                    n7 if n & 0x80 != 0 => Resolution::Binary(n7),
                    n7 => Resolution::Decimal(n7),
                };
            }
            // The first byte tells the kind of filter: 0 is a text of libpcap.
            (11, [0, text @ ..]) => interface.filter = texts.counted(text, info),
            (12, _) => interface.os = texts.counted(value, info),
            (13, &[n, ..]) => interface.fcs_len = Some(n),
            (14, _) => {
                interface.offset_secs = u64_of(order, value).map_or(0, u64::cast_signed);
            }
            (15, _) => interface.hardware = texts.counted(value, info),
            _ => {}
        }
    }
}
