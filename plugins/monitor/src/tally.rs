//! Counts by key, in bounded room, with the rate over the last ten seconds.
//!
//! Apart because drops and conversations are counted alike. It must not know what it counts.

use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

/// Ticks of one window; a rate spans at most two of them.
const WINDOW: u32 = 50;
/// Part of the rows that is given up at once when there are too many: looking for the quiet
/// ones costs as much for one as for many.
const GIVEN_UP: usize = 16;

/// What is counted for one key.
#[derive(Debug)]
pub struct Entry<V> {
    /// What else is known.
    pub value: V,
    /// How many.
    pub count: u64,
    /// When the last one came.
    pub last: Option<i64>,
    /// Nodes that saw it, in the order in which they did.
    pub nodes: Vec<Rc<str>>,
    /// Its key in the table, once it was shown.
    pub shown: Option<String>,
    order: u64,
    recent: u64,
    before: u64,
    is_changed: bool,
}

/// Counts by key.
#[derive(Debug)]
pub struct Tally<K, V> {
    entries: HashMap<K, Entry<V>>,
    changed: Vec<K>,
    max: usize,
    order: u64,
    ticks: u32,
    windows: u32,
    forgotten: u64,
    removed: Vec<String>,
}

impl<K: Clone + Eq + Hash, V> Tally<K, V> {
    /// For so many keys at most.
    pub fn new(max: usize) -> Self {
        Self {
            entries: HashMap::new(),
            changed: Vec::new(),
            max: max.max(1),
            order: 0,
            ticks: 0,
            windows: 0,
            forgotten: 0,
            removed: Vec::new(),
        }
    }

    /// Counts one of a key that a node saw.
    pub fn add(
        &mut self,
        key: K,
        node: &Rc<str>,
        time: Option<i64>,
        make: impl FnOnce() -> V,
    ) -> &mut V {
        if self.entries.len() >= self.max && !self.entries.contains_key(&key) {
            self.forget();
        }
        self.order += 1;
        let changed = &mut self.changed;
        let entry = self.entries.entry(key.clone()).or_insert_with(|| Entry {
            value: make(),
            count: 0,
            last: None,
            nodes: Vec::new(),
            shown: None,
            order: 0,
            recent: 0,
            before: 0,
            is_changed: false,
        });
        entry.count += 1;
        entry.recent += 1;
        entry.order = self.order;
        entry.last = time.or(entry.last);
        if !entry.nodes.iter().any(|known| Rc::ptr_eq(known, node) || known == node) {
            // In order: which agent's events came first is chance, and no change.
            let place = entry.nodes.partition_point(|known| known < node);
            entry.nodes.insert(place, node.clone());
        }
        if !entry.is_changed {
            entry.is_changed = true;
            changed.push(key);
        }
        &mut entry.value
    }

    /// Gives up the rows that have been quiet for longest.
    fn forget(&mut self) {
        let mut orders: Vec<u64> = self.entries.values().map(|entry| entry.order).collect();
        let n_given = (orders.len() / GIVEN_UP).max(1);
        let (_, limit, _) = orders.select_nth_unstable(n_given - 1);
        let limit = *limit;
        let removed = &mut self.removed;
        let forgotten = &mut self.forgotten;
        self.entries.retain(|_, entry| {
            let stays = entry.order > limit;
            if !stays {
                *forgotten += 1;
                removed.extend(entry.shown.take());
            }
            stays
        });
        let entries = &self.entries;
        self.changed.retain(|key| entries.contains_key(key));
    }

    /// Rows that were given up so far.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Keys of rows that were shown and are given up.
    pub fn take_removed(&mut self) -> Vec<String> {
        std::mem::take(&mut self.removed)
    }

    /// A fifth of a second has passed.
    pub fn tick(&mut self) {
        self.ticks += 1;
        if self.ticks < WINDOW {
            return;
        }
        self.ticks = 0;
        self.windows += 1;
        for (key, entry) in &mut self.entries {
            // Whoever had a rate has another one now.
            if (entry.recent > 0 || entry.before > 0) && !entry.is_changed {
                entry.is_changed = true;
                self.changed.push(key.clone());
            }
            entry.before = std::mem::take(&mut entry.recent);
        }
    }

    /// Names have changed: every row may look otherwise.
    pub fn rename(&mut self) {
        for (key, entry) in &mut self.entries {
            if !entry.is_changed {
                entry.is_changed = true;
                self.changed.push(key.clone());
            }
        }
    }

    /// Each second so many of an entry, over the last ten to twenty seconds.
    #[expect(clippy::cast_precision_loss, reason = "counts of seconds are far below 2^52")]
    pub fn rate(&self, entry: &Entry<V>) -> f64 {
        let window = f64::from(WINDOW) / 5.0;
        let begun = f64::from(self.ticks.max(1)) / 5.0;
        let time = if self.windows == 0 { begun } else { window + begun };
        let rate = (entry.before + entry.recent) as f64 / time;
        // Two digits are what a person reads.
        (rate * 100.0).round() / 100.0
    }

    /// Takes the keys whose rows have changed.
    pub fn take_changed(&mut self) -> Vec<K> {
        std::mem::take(&mut self.changed)
    }

    /// An entry whose change was taken.
    pub fn entry(&mut self, key: &K) -> Option<&mut Entry<V>> {
        let entry = self.entries.get_mut(key)?;
        entry.is_changed = false;
        Some(entry)
    }

    /// An entry to look at.
    pub fn get(&self, key: &K) -> Option<&Entry<V>> {
        self.entries.get(key)
    }

    /// Every entry, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Entry<V>)> {
        self.entries.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(max: usize, keys: impl IntoIterator<Item = u32>) -> Tally<u32, ()> {
        let node = "a".into();
        let mut tally = Tally::new(max);
        for key in keys {
            tally.add(key, &node, None, || ());
        }
        tally
    }

    #[test]
    fn the_quiet_ones_are_given_up_and_counted() {
        let tally = tally(100, (0..10_000).flat_map(|key| [key, 7]));
        assert!(tally.iter().count() <= 100);
        assert_eq!(tally.get(&7).unwrap().count, 10_001);
        let kept = u64::try_from(tally.iter().count()).unwrap();
        assert_eq!(tally.forgotten() + kept, 10_000);
    }

    #[test]
    fn a_row_that_is_given_up_is_taken_out_of_the_table() {
        let mut tally = tally(2, [1, 2]);
        for key in tally.take_changed() {
            tally.entry(&key).unwrap().shown = Some(format!("row {key}"));
        }
        tally.add(3, &"a".into(), None, || ());
        assert_eq!(tally.take_removed(), ["row 1"]);
        assert_eq!(tally.take_changed(), [3]);
    }

    #[test]
    fn rates_rise_and_fall() {
        let mut tally = tally(9, [1; 50]);
        for _ in 0..25 {
            tally.tick();
        }
        assert!((tally.rate(tally.get(&1).unwrap()) - 10.0).abs() < 0.01);
        for _ in 0..25 {
            tally.tick();
        }
        tally.take_changed();
        tally.entry(&1);
        for _ in 0..50 {
            tally.tick();
        }
        assert_eq!(tally.take_changed(), [1], "its rate has changed");
        assert!(tally.rate(tally.get(&1).unwrap()) < 0.01);
    }
}
