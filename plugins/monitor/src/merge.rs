//! Events that bring their own time, in its order, within a bounded window.
//!
//! Apart because it is the one place that holds events back. An agent's own stream is stamped
//! when it comes, so it is in order as it is; flows of Hubble come node by node, each with its
//! time. Order across nodes is as good as their clocks.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Rows that wait at most.
const MAX: usize = 1000;

/// Rows that wait for earlier ones. How long they do is the business of whoever pops them.
pub struct Merge<R> {
    waiting: BinaryHeap<Reverse<Waiting<R>>>,
    arrived: u64,
    max: usize,
}

struct Waiting<R> {
    time: i64,
    order: u64,
    row: R,
}

impl<R> PartialEq for Waiting<R> {
    fn eq(&self, other: &Self) -> bool {
        (self.time, self.order) == (other.time, other.order)
    }
}
impl<R> Eq for Waiting<R> {}
impl<R> PartialOrd for Waiting<R> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<R> Ord for Waiting<R> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.time, self.order).cmp(&(other.time, other.order))
    }
}

impl<R> Merge<R> {
    /// An empty window.
    pub fn new() -> Self {
        Self { waiting: BinaryHeap::new(), arrived: 0, max: MAX }
    }

    /// Takes a row with its time; hands out the earliest one when the window is full.
    pub fn push(&mut self, time: i64, row: R) -> Option<R> {
        self.arrived += 1;
        self.waiting.push(Reverse(Waiting { time, order: self.arrived, row }));
        if self.waiting.len() > self.max { self.pop() } else { None }
    }

    /// The earliest row.
    pub fn pop(&mut self) -> Option<R> {
        self.waiting.pop().map(|Reverse(waiting)| waiting.row)
    }
}

impl<R> Default for Merge<R> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_out_in_the_order_of_their_times_and_equal_ones_as_they_came() {
        let mut merge = Merge { max: 3, ..Merge::new() };
        let mut out: Vec<(i64, u32)> = Vec::new();
        for (n, time) in [(0, 5), (1, 3), (2, 3), (3, 4), (4, 1), (5, 9)] {
            out.extend(merge.push(time, (time, n)));
        }
        out.extend(std::iter::from_fn(|| merge.pop()));
        // What comes later than the window is long is shown late and not lost.
        assert_eq!(out, [(3, 1), (1, 4), (3, 2), (4, 3), (5, 0), (9, 5)]);
    }
}
