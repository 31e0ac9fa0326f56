//! Communities by the Louvain method: Blondel, Guillaume, Lambiotte and Lefebvre, "Fast unfolding of communities in
//! large networks" (2008). The seed gives the order in which nodes are looked at, so a run can be repeated.

use std::collections::BTreeMap;

use rheos_core::seed::Seed;

use super::adjacency::Adjacency;

/// Looks at all nodes of a level at most.
const ROUNDS_MAX: usize = 100;
/// Levels at most; each at least joins two communities, in practice a handful.
const LEVELS_MAX: u64 = 64;
/// A move must raise the gain by more than this, so that rounding moves nothing to and fro.
const LEAST_GAIN: f64 = 1e-9;

/// An undirected graph of communities.
#[derive(Debug)]
struct Level {
    /// Other nodes and the weight of the edge to each.
    links: Vec<Vec<(u32, f64)>>,
    /// Twice the weight inside a node.
    inside: Vec<f64>,
    /// Sum of the weights at each node.
    strength: Vec<f64>,
    /// Twice the weight of all edges.
    total: f64,
}

impl Level {
    fn new(links: Vec<Vec<(u32, f64)>>, inside: Vec<f64>) -> Self {
        let sum = |(links, inside): (&Vec<(u32, f64)>, &f64)| {
            links.iter().map(|(_, weight)| weight).sum::<f64>() + inside
        };
        let strength: Vec<f64> = links.iter().zip(&inside).map(sum).collect();
        let total = strength.iter().sum();
        Self { links, inside, strength, total }
    }

    fn of_graph(around: &Adjacency, edges: &[(u32, u32)]) -> Self {
        let links = |node| around.of(node).iter().map(|&to| (to, 1.0)).collect();
        let mut inside = vec![0.0; around.nodes()];
        edges.iter().filter(|(a, b)| a == b).for_each(|&(node, _)| inside[node as usize] += 2.0);
        Self::new((0..around.nodes()).map(links).collect(), inside)
    }

    /// Moves nodes to the neighbouring community that gains most, until none does; the community of each.
    fn settle(&self, seed: Seed) -> Vec<u32> {
        let nodes = self.links.len();
        let mut community: Vec<u32> = (0..nodes as u32).collect();
        let mut strength = self.strength.clone();
        let mut order: Vec<usize> = (0..nodes).collect();
        let mut rng = seed.rng();
        for place in (1..nodes).rev() {
            order.swap(place, rng.below(place as u64 + 1) as usize);
        }
        let mut to_community = vec![0.0_f64; nodes];
        let mut near: Vec<u32> = Vec::new();
        for _ in 0..ROUNDS_MAX {
            let mut moved = false;
            for &node in &order {
                let own = community[node];
                near.clear();
                near.push(own);
                for &(other, weight) in &self.links[node] {
                    let theirs = community[other as usize];
                    if to_community[theirs as usize] == 0.0 && theirs != own {
                        near.push(theirs);
                    }
                    to_community[theirs as usize] += weight;
                }
                strength[own as usize] -= self.strength[node];
                let gain = |c: u32| {
                    let expected = strength[c as usize] * self.strength[node] / self.total;
                    to_community[c as usize] - expected
                };
                let mut best = (gain(own), own);
                for &candidate in &near[1..] {
                    let gained = gain(candidate);
                    if gained > best.0 + LEAST_GAIN {
                        best = (gained, candidate);
                    }
                }
                for &c in &near {
                    to_community[c as usize] = 0.0;
                }
                strength[best.1 as usize] += self.strength[node];
                community[node] = best.1;
                moved |= best.1 != own;
            }
            if !moved {
                break;
            }
        }
        community
    }

    /// The graph whose nodes are the communities.
    fn merge(&self, community: &[u32], count: usize) -> Self {
        let mut inside = vec![0.0; count];
        let mut links: Vec<BTreeMap<u32, f64>> = vec![BTreeMap::new(); count];
        for (node, own) in community.iter().enumerate() {
            inside[*own as usize] += self.inside[node];
            for &(other, weight) in &self.links[node] {
                let theirs = community[other as usize];
                if theirs == *own {
                    inside[*own as usize] += weight;
                } else {
                    *links[*own as usize].entry(theirs).or_default() += weight;
                }
            }
        }
        let links = links.into_iter().map(|links| links.into_iter().collect()).collect();
        Self::new(links, inside)
    }
}

/// Numbers communities from 0 in the order in which they first occur; how many there are.
fn renumber(community: &mut [u32]) -> usize {
    let mut numbers = vec![u32::MAX; community.len()];
    let mut next = 0;
    for own in community {
        let number = &mut numbers[*own as usize];
        if *number == u32::MAX {
            *number = next;
            next += 1;
        }
        *own = *number;
    }
    next as usize
}

/// The community of every node, the largest first (among equals, the one with the first node); how many there are.
pub(super) fn communities(around: &Adjacency, edges: &[(u32, u32)], seed: Seed) -> (Vec<u32>, u32) {
    let mut level = Level::of_graph(around, edges);
    let mut of_node: Vec<u32> = (0..around.nodes() as u32).collect();
    for depth in 0..LEVELS_MAX {
        let mut community = level.settle(seed.child(depth));
        let count = renumber(&mut community);
        for own in &mut of_node {
            *own = community[*own as usize];
        }
        if count == community.len() {
            break;
        }
        level = level.merge(&community, count);
    }
    let count = renumber(&mut of_node);
    let mut sizes = vec![0_u64; count];
    for &own in &of_node {
        sizes[own as usize] += 1;
    }
    let mut by_size: Vec<usize> = (0..count).collect();
    by_size.sort_by_key(|&own| std::cmp::Reverse(sizes[own]));
    let mut place = vec![0; count];
    by_size.into_iter().zip(0..).for_each(|(own, number)| place[own] = number);
    for own in &mut of_node {
        *own = place[*own as usize];
    }
    (of_node, count as u32)
}

/// The share of edges inside communities, less what it would be if edges were drawn at random.
pub(super) fn modularity(around: &Adjacency, edges: &[(u32, u32)], community: &[u32]) -> f64 {
    let level = Level::of_graph(around, edges);
    let whole = level.merge(community, community.iter().max().map_or(0, |&max| max as usize + 1));
    if whole.total == 0.0 {
        return 0.0;
    }
    let part =
        |(inside, strength): (&f64, &f64)| inside / whole.total - (strength / whole.total).powi(2);
    whole.inside.iter().zip(&whole.strength).map(part).sum()
}
