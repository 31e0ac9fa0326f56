//! The neighbours of every node, one list after the other.

/// Neighbours by node, in ascending order.
#[derive(Debug)]
pub(super) struct Adjacency {
    /// Where each node's list begins, and where the last one ends.
    starts: Vec<usize>,
    targets: Vec<u32>,
}

impl Adjacency {
    /// Where edges lead to; they are sorted and distinct.
    pub(super) fn directed(nodes: usize, edges: &[(u32, u32)]) -> Self {
        let mut starts = vec![0; nodes + 1];
        for &(from, _) in edges {
            starts[from as usize + 1] += 1;
        }
        for node in 0..nodes {
            starts[node + 1] += starts[node];
        }
        Self { starts, targets: edges.iter().map(|&(_, to)| to).collect() }
    }

    /// Other nodes to or from which edges lead.
    pub(super) fn undirected(nodes: usize, edges: &[(u32, u32)]) -> Self {
        let both = edges.iter().filter(|(from, to)| from != to);
        let mut both: Vec<_> = both.flat_map(|&(from, to)| [(from, to), (to, from)]).collect();
        both.sort_unstable();
        both.dedup();
        Self::directed(nodes, &both)
    }

    pub(super) fn nodes(&self) -> usize {
        self.starts.len() - 1
    }

    pub(super) fn links(&self) -> usize {
        self.targets.len()
    }

    pub(super) fn of(&self, node: usize) -> &[u32] {
        &self.targets[self.starts[node]..self.starts[node + 1]]
    }
}
