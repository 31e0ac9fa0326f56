//! PageRank: where one who follows edges at random is found (Brin and Page 1998).

use super::adjacency::Adjacency;

/// With this probability an edge is followed, else any node is next.
const DAMPING: f64 = 0.85;
/// Rounds at most.
const ROUNDS_MAX: usize = 200;
/// Ranks that change less than this in sum have settled.
const SETTLED: f64 = 1e-12;

/// The rank of every node; they sum up to 1. A node that no edge leaves passes its rank to all.
pub(super) fn page_rank(out: &Adjacency) -> Vec<f64> {
    let nodes = out.nodes();
    let mut ranks = vec![1.0 / nodes as f64; nodes];
    for _ in 0..ROUNDS_MAX {
        let dangling: f64 = (0..nodes).filter(|&n| out.of(n).is_empty()).map(|n| ranks[n]).sum();
        let base = (1.0 - DAMPING + DAMPING * dangling) / nodes as f64;
        let mut next = vec![base; nodes];
        for (node, rank) in ranks.iter().enumerate() {
            let targets = out.of(node);
            let share = DAMPING * rank / targets.len().max(1) as f64;
            for &to in targets {
                next[to as usize] += share;
            }
        }
        let change: f64 = ranks.iter().zip(&next).map(|(a, b)| (a - b).abs()).sum();
        ranks = next;
        if change < SETTLED {
            break;
        }
    }
    ranks
}
