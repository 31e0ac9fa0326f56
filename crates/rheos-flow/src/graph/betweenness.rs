//! Betweenness: the share of shortest paths between other nodes that lead over a node.
//!
//! U. Brandes, "A faster algorithm for betweenness centrality", Journal of Mathematical Sociology 25 (2001); from a
//! sample of pivots where the graph is too large: Brandes and Pich, "Centrality estimation in large networks" (2007).

use rheos_core::seed::Seed;

use super::adjacency::Adjacency;

/// The nodes from which shortest paths are followed: all, if that takes at most `steps_max` visits of nodes and edges;
/// else so many that are drawn without putting back, in order.
pub(super) fn pivots(out: &Adjacency, steps_max: u64, seed: Seed) -> Vec<usize> {
    let nodes = out.nodes();
    let steps = (nodes + out.links()).max(1) as u64;
    let count = usize::try_from(steps_max / steps).unwrap_or(usize::MAX).max(1);
    let mut all: Vec<usize> = (0..nodes).collect();
    if count >= nodes {
        return all;
    }
    let mut rng = seed.rng();
    for place in 0..count {
        let left = (nodes - place) as u64;
        all.swap(place, place + rng.below(left) as usize);
    }
    all.truncate(count);
    all.sort_unstable();
    all
}

/// Shortest paths from one node, and the room that the next can use again.
#[derive(Debug)]
struct Paths {
    /// Distance from the pivot; [`UNSEEN`] if none was found yet.
    distance: Vec<u32>,
    /// Number of shortest paths from the pivot.
    count: Vec<f64>,
    /// Share of the paths to others that lead over a node.
    dependency: Vec<f64>,
    /// Nodes in order of distance.
    order: Vec<u32>,
}

const UNSEEN: u32 = u32::MAX;

impl Paths {
    fn new(nodes: usize) -> Self {
        Self {
            distance: vec![UNSEEN; nodes],
            count: vec![0.0; nodes],
            dependency: vec![0.0; nodes],
            order: Vec::with_capacity(nodes),
        }
    }

    fn follow(&mut self, out: &Adjacency, pivot: usize) {
        for &node in &self.order {
            self.distance[node as usize] = UNSEEN;
            self.count[node as usize] = 0.0;
            self.dependency[node as usize] = 0.0;
        }
        self.order.clear();
        self.order.push(pivot as u32);
        self.distance[pivot] = 0;
        self.count[pivot] = 1.0;
        let mut next = 0;
        while let Some(&node) = self.order.get(next) {
            next += 1;
            let node = node as usize;
            for &to in out.of(node) {
                let to = to as usize;
                if self.distance[to] == UNSEEN {
                    self.distance[to] = self.distance[node] + 1;
                    self.order.push(to as u32);
                }
                if self.distance[to] == self.distance[node] + 1 {
                    self.count[to] += self.count[node];
                }
            }
        }
        for &node in self.order.iter().rev() {
            let node = node as usize;
            let mut sum = 0.0;
            for &to in out.of(node) {
                let to = to as usize;
                if self.distance[to] == self.distance[node] + 1 {
                    sum += self.count[node] / self.count[to] * (1.0 + self.dependency[to]);
                }
            }
            self.dependency[node] = sum;
        }
    }
}

/// Betweenness of every node, normalised by the number of ordered pairs of other nodes.
pub(super) fn betweenness(out: &Adjacency, pivots: &[usize]) -> Vec<f64> {
    let nodes = out.nodes();
    let mut sums = vec![0.0; nodes];
    let mut paths = Paths::new(nodes);
    for &pivot in pivots {
        paths.follow(out, pivot);
        for &node in paths.order.get(1..).unwrap_or_default() {
            sums[node as usize] += paths.dependency[node as usize];
        }
    }
    if nodes > 2 && !pivots.is_empty() {
        let pairs = (nodes - 1) as f64 * (nodes - 2) as f64;
        let scale = nodes as f64 / pivots.len() as f64 / pairs;
        for sum in &mut sums {
            *sum *= scale;
        }
    }
    sums
}
