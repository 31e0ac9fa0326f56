//! Sixteen records at once with AVX-512.
//!
//! A record's words take 64 bits, its fields 32. So two registers of eight words, X and Y, make one of sixteen halves:
//! X0 Y0 X1 Y1 ... X7 Y7. Which record a lane is for is free to choose; in the order below the last step, from
//! columns to records, needs no shuffle but those that join the columns.

use std::arch::x86_64::{
    __m512i, __mmask16, _mm512_add_epi32, _mm512_add_epi64, _mm512_cmpge_epu64_mask,
    _mm512_cmple_epu32_mask, _mm512_cmplt_epu32_mask, _mm512_mask_mov_epi32, _mm512_mask_or_epi32,
    _mm512_mask_rol_epi32, _mm512_mask_sub_epi64, _mm512_mul_epu32, _mm512_mullo_epi64,
    _mm512_or_si512, _mm512_permutex2var_epi32, _mm512_permutex2var_epi64,
    _mm512_permutexvar_epi32, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_setr_epi64,
    _mm512_slli_epi32, _mm512_slli_epi64, _mm512_srli_epi32, _mm512_srli_epi64,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
    _mm512_xor_si512,
};

use fearless_simd::prelude::*;
use fearless_simd::{u32x16, u64x8};
use rheos_core::{FlowRecord, RecordFlags};

use super::clock::Moment;
use super::draw::{FIRST, SECOND, STEP};
use super::lanes::{Lanes, LeafTable};
use super::plan::FlowPlan;
use super::record::EPHEMERAL;

/// Records at once.
const BLOCK: u64 = 16;
/// The record of each lane of X.
const X: [u64; 8] = [0, 8, 1, 9, 2, 10, 3, 11];
/// The record of each lane of Y.
const Y: [u64; 8] = [4, 12, 5, 13, 6, 14, 7, 15];
/// The record of each timestamp: as the low and high halves of pairs of halves come out.
const TIMES: [[u64; 8]; 2] = [[0, 4, 1, 5, 2, 6, 3, 7], [8, 12, 9, 13, 10, 14, 11, 15]];
/// The 32-bit lanes that Y fills.
const ODD: __mmask16 = 0xaaaa;

/// What the first block begins with, and how blocks differ.
#[derive(Debug)]
pub(super) struct Start {
    counters: [[u64; 8]; 2],
    nanos: [[u64; 8]; 2],
    rests: [[u64; 8]; 2],
    /// Of sixteen records.
    step: u64,
    step_rest: u64,
    denominator: u64,
    reversed_possible: __mmask16,
    reversed_at_most: u32,
    stream_id: u32,
}

impl Start {
    pub(super) fn new(plan: &FlowPlan, index: u64, moment: Moment) -> Self {
        let clock = &plan.clock;
        let counter = |of: u64| plan.key.wrapping_add(index.wrapping_add(of).wrapping_mul(STEP));
        let mut moments = [moment; BLOCK as usize];
        for i in 1..moments.len() {
            moments[i] = clock.advance(moments[i - 1]);
        }
        let rest = u128::from(clock.step_rest) * u128::from(BLOCK);
        let carried = (rest / u128::from(clock.denominator)) as u64;
        Self {
            counters: [X.map(counter), Y.map(counter)],
            nanos: TIMES.map(|half| half.map(|i| moments[i as usize].nanos)),
            rests: TIMES.map(|half| half.map(|i| moments[i as usize].rest)),
            step: clock.step.wrapping_mul(BLOCK).wrapping_add(carried),
            step_rest: (rest % u128::from(clock.denominator)) as u64,
            denominator: clock.denominator,
            reversed_possible: if plan.reversed.possible { !0 } else { 0 },
            reversed_at_most: plan.reversed.at_most,
            stream_id: plan.stream_id,
        }
    }
}

/// Sixteen random words, and those words shifted down by 32.
#[derive(Clone, Copy)]
struct Words {
    x: __m512i,
    y: __m512i,
    x_high: __m512i,
    y_high: __m512i,
}

/// A choice among up to 32 leaves.
#[derive(Clone, Copy)]
struct Table([__m512i; 2]);

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn state(counter: __m512i, first: __m512i) -> __m512i {
    let state = _mm512_xor_si512(counter, _mm512_srli_epi64::<30>(counter));
    let state = _mm512_mullo_epi64(state, first);
    _mm512_xor_si512(state, _mm512_srli_epi64::<27>(state))
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn words(x: __m512i, y: __m512i, which: usize) -> Words {
    let second = _mm512_set1_epi64(SECOND[which].cast_signed());
    let (x, y) = (_mm512_mullo_epi64(x, second), _mm512_mullo_epi64(y, second));
    Words { x, y, x_high: _mm512_srli_epi64::<32>(x), y_high: _mm512_srli_epi64::<32>(y) }
}

/// The high halves of all words.
#[target_feature(enable = "avx512f")]
#[inline]
fn high(words: Words) -> __m512i {
    _mm512_mask_mov_epi32(words.x_high, ODD, words.y)
}

/// The low halves: in the low 32 bits of the lanes of X and of Y.
#[target_feature(enable = "avx512f")]
#[inline]
fn low_apart(words: Words) -> (__m512i, __m512i) {
    (_mm512_xor_si512(words.x, words.x_high), _mm512_xor_si512(words.y, words.y_high))
}

/// What lies in the low 32 bits of two registers of 64-bit lanes, as one register.
#[target_feature(enable = "avx512f")]
#[inline]
fn joined(x: __m512i, y: __m512i) -> __m512i {
    _mm512_mask_mov_epi32(x, ODD, _mm512_slli_epi64::<32>(y))
}

/// `draw::below` of the low 32 bits of X's and Y's lanes.
#[target_feature(enable = "avx512f")]
#[inline]
fn below(x: __m512i, y: __m512i, span: __m512i) -> __m512i {
    let even = _mm512_mul_epu32(x, span);
    let odd = _mm512_mul_epu32(y, _mm512_srli_epi64::<32>(span));
    _mm512_mask_mov_epi32(_mm512_srli_epi64::<32>(even), ODD, odd)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn look_up(table: Table, index: __m512i) -> __m512i {
    _mm512_permutex2var_epi32(table.0[0], index, table.0[1])
}

/// The addresses of one side: the subnet by the halves `choice`, the host by the low 32 bits of X and Y.
#[target_feature(enable = "avx512f")]
#[inline]
fn addresses(side: [__m512i; 4], choice: __m512i, x: __m512i, y: __m512i) -> __m512i {
    let [threshold, alias, first, count] = side;
    let slot = _mm512_srli_epi32::<28>(choice);
    let own = _mm512_cmplt_epu32_mask(
        _mm512_slli_epi32::<4>(choice),
        _mm512_permutexvar_epi32(slot, threshold),
    );
    let subnet = _mm512_mask_mov_epi32(_mm512_permutexvar_epi32(slot, alias), own, slot);
    let host = below(x, y, _mm512_permutexvar_epi32(subnet, count));
    _mm512_add_epi32(_mm512_permutexvar_epi32(subnet, first), host)
}

/// The next timestamps of a register: whole nanoseconds and rests.
#[target_feature(enable = "avx512f")]
#[inline]
fn advance(
    nanos: __m512i,
    rests: __m512i,
    [step, step_rest, denominator]: [__m512i; 3],
) -> (__m512i, __m512i) {
    let rests = _mm512_add_epi64(rests, step_rest);
    let carry = _mm512_cmpge_epu64_mask(rests, denominator);
    let nanos = _mm512_add_epi64(nanos, step);
    // A carry is one more: minus all ones.
    let nanos = _mm512_mask_sub_epi64(nanos, carry, nanos, _mm512_set1_epi64(-1));
    (nanos, _mm512_mask_sub_epi64(rests, carry, rests, denominator))
}

/// Sixteen records as columns, in the order of lanes; `nanos` in the order of `TIMES`.
#[derive(Clone, Copy)]
struct Columns {
    nanos: [__m512i; 2],
    source: __m512i,
    destination: __m512i,
    ports: __m512i,
    length: __m512i,
    meta: __m512i,
    stream: __m512i,
}

/// The bytes of sixteen records, 64 at a time.
#[target_feature(enable = "avx512f")]
#[inline]
fn rows(columns: &Columns) -> [__m512i; 8] {
    let first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    let second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    let Columns { nanos, source, destination, ports, length, meta, stream } = *columns;
    let ends =
        [_mm512_unpacklo_epi32(source, destination), _mm512_unpackhi_epi32(source, destination)];
    let sizes = [_mm512_unpacklo_epi32(ports, length), _mm512_unpackhi_epi32(ports, length)];
    let metas = [_mm512_unpacklo_epi32(meta, stream), _mm512_unpackhi_epi32(meta, stream)];
    let mut rows = [first; 8];
    for half in 0..2 {
        let heads = [
            _mm512_unpacklo_epi64(nanos[half], ends[half]),
            _mm512_unpackhi_epi64(nanos[half], ends[half]),
        ];
        let tails = [
            _mm512_unpacklo_epi64(sizes[half], metas[half]),
            _mm512_unpackhi_epi64(sizes[half], metas[half]),
        ];
        for of in 0..2 {
            rows[4 * half + 2 * of] = _mm512_permutex2var_epi64(heads[of], first, tails[of]);
            rows[4 * half + 2 * of + 1] = _mm512_permutex2var_epi64(heads[of], second, tails[of]);
        }
    }
    rows
}

/// What stays the same over all blocks.
struct Fixed {
    threshold: Table,
    alias: Table,
    ports: Table,
    meta: Table,
    size: Table,
    size_count: Table,
    sources: [__m512i; 4],
    destinations: [__m512i; 4],
    reversed_possible: __mmask16,
    reversed_at_most: __m512i,
    stream: __m512i,
}

/// Everything but the timestamps of the sixteen records with these states.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn columns(fixed: &Fixed, x: __m512i, y: __m512i, nanos: [__m512i; 2]) -> Columns {
    let leaf_words = words(x, y, 0);
    let half = high(leaf_words);
    let slot = _mm512_srli_epi32::<27>(half);
    let own = _mm512_cmplt_epu32_mask(_mm512_slli_epi32::<5>(half), look_up(fixed.threshold, slot));
    let leaf = _mm512_mask_mov_epi32(look_up(fixed.alias, slot), own, slot);
    let (low_x, low_y) = low_apart(leaf_words);
    let over = below(low_x, low_y, look_up(fixed.size_count, leaf));
    let length = _mm512_add_epi32(look_up(fixed.size, leaf), over);

    let hosts = words(x, y, 1);
    let subnets = words(x, y, 3);
    let (host_x, host_y) = low_apart(hosts);
    let (subnet_x, subnet_y) = low_apart(subnets);
    let client = addresses(fixed.sources, high(subnets), hosts.x_high, hosts.y_high);
    let server = addresses(fixed.destinations, joined(subnet_x, subnet_y), host_x, host_y);

    let port_words = words(x, y, 2);
    let (port_x, port_y) = low_apart(port_words);
    let ephemeral = _mm512_add_epi32(
        _mm512_srli_epi32::<18>(joined(port_x, port_y)),
        _mm512_set1_epi32(EPHEMERAL.cast_signed()),
    );
    let range = look_up(fixed.ports, leaf);
    let (port_x, port_y) = (_mm512_slli_epi32::<14>(port_x), _mm512_slli_epi32::<14>(port_y));
    let port = below(port_x, port_y, _mm512_srli_epi32::<16>(range));
    // The first port lies below the count, which the shift pushes out.
    let port = _mm512_slli_epi32::<16>(_mm512_add_epi32(range, port));
    let ports = _mm512_or_si512(ephemeral, port);

    let reversed = _mm512_cmple_epu32_mask(high(port_words), fixed.reversed_at_most);
    let reversed = reversed & fixed.reversed_possible;
    let meta = look_up(fixed.meta, leaf);
    let flag = _mm512_set1_epi32(i32::from(RecordFlags::REVERSED) << 8);
    Columns {
        nanos,
        source: _mm512_mask_mov_epi32(client, reversed, server),
        destination: _mm512_mask_mov_epi32(server, reversed, client),
        ports: _mm512_mask_rol_epi32::<16>(ports, reversed, ports),
        length,
        meta: _mm512_mask_or_epi32(meta, reversed, meta, flag),
        stream: fixed.stream,
    }
}

fearless_simd::kernel!(
    /// Fills whole blocks of sixteen records; what is beyond the last whole one stays as it is.
    pub(super) fn fill(simd: Avx512, lanes: &Lanes, start: &Start, out: &mut [FlowRecord]) {
        let load32 = |from: &[u32; 16]| -> __m512i { u32x16::simd_from(simd, *from).into() };
        let load64 = |from: &[u64; 8]| -> __m512i { u64x8::simd_from(simd, *from).into() };
        let table = |from: &LeafTable| {
            let (halves, _) = from.as_chunks::<16>();
            Table([load32(&halves[0]), load32(&halves[1])])
        };
        let same64 = |value: u64| _mm512_set1_epi64(value.cast_signed());
        let side = |from: &super::lanes::SideLanes| {
            [load32(&from.threshold), load32(&from.alias), load32(&from.first), load32(&from.count)]
        };
        let fixed = Fixed {
            threshold: table(&lanes.threshold),
            alias: table(&lanes.alias),
            ports: table(&lanes.ports),
            meta: table(&lanes.meta),
            size: table(&lanes.size),
            size_count: table(&lanes.size_count),
            sources: side(&lanes.sources),
            destinations: side(&lanes.destinations),
            reversed_possible: start.reversed_possible,
            reversed_at_most: _mm512_set1_epi32(start.reversed_at_most.cast_signed()),
            stream: _mm512_set1_epi32(start.stream_id.cast_signed()),
        };
        let first = same64(FIRST);
        let step = same64(STEP.wrapping_mul(BLOCK));
        let clock = [same64(start.step), same64(start.step_rest), same64(start.denominator)];
        let mut counters = start.counters.each_ref().map(load64);
        let mut nanos = start.nanos.each_ref().map(load64);
        let mut rests = start.rests.each_ref().map(load64);
        let words: &mut [u64] = bytemuck::cast_slice_mut(out);
        for block in words.as_chunks_mut::<64>().0 {
            let [x, y] = counters.map(|counter| state(counter, first));
            let rows = rows(&columns(&fixed, x, y, nanos));
            for (place, row) in block.as_chunks_mut::<8>().0.iter_mut().zip(rows) {
                u64x8::simd_from(simd, row).store_slice(place);
            }
            counters = counters.map(|counter| _mm512_add_epi64(counter, step));
            for half in 0..2 {
                (nanos[half], rests[half]) = advance(nanos[half], rests[half], clock);
            }
        }
    }
);
