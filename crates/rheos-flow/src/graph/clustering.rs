//! Local clustering: how many pairs of a node's neighbours are neighbours themselves.

use super::adjacency::Adjacency;

/// The coefficient of every node: 2 T / (d (d - 1)) with T triangles and d neighbours; 0 if d < 2.
///
/// Each triangle is found once, from its edge between the two nodes with fewer neighbours (Latapy, "Main-memory
/// triangle computations", 2008): O(m^1.5).
pub(super) fn clustering(around: &Adjacency) -> Vec<f64> {
    let nodes = around.nodes();
    let rank = |node: u32| (around.of(node as usize).len(), node);
    // Neighbours with a higher rank, in ascending order of number.
    let higher = |node: usize| {
        let own = rank(node as u32);
        around.of(node).iter().copied().filter(move |&other| rank(other) > own)
    };
    let edges: Vec<(u32, u32)> =
        (0..nodes).flat_map(|node| higher(node).map(move |to| (node as u32, to))).collect();
    let upward = Adjacency::directed(nodes, &edges);
    let mut triangles = vec![0_u64; nodes];
    for &(a, b) in &edges {
        for c in common(upward.of(a as usize), upward.of(b as usize)) {
            for node in [a, b, c] {
                triangles[node as usize] += 1;
            }
        }
    }
    let coefficient = |(node, triangles): (usize, u64)| {
        let degree = around.of(node).len() as f64;
        if degree < 2.0 { 0.0 } else { 2.0 * triangles as f64 / (degree * (degree - 1.0)) }
    };
    triangles.into_iter().enumerate().map(coefficient).collect()
}

/// What two ascending lists share.
fn common<'a>(mut a: &'a [u32], mut b: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
    std::iter::from_fn(move || {
        while let (Some(&first), Some(&second)) = (a.first(), b.first()) {
            if first <= second {
                a = &a[1..];
            }
            if second <= first {
                b = &b[1..];
            }
            if first == second {
                return Some(first);
            }
        }
        None
    })
}
