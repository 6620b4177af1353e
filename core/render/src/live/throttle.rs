//! How often something may be drawn.

use std::time::Duration;

/// Lets something happen at once after a pause, and then not more often than every so often.
///
/// What is dear happens more rarely: ten times what it took lies between two, so that drawing
/// takes no more than a tenth of the time.
#[derive(Clone, Debug)]
pub struct Throttle {
    every: Duration,
    next: Duration,
}

impl Throttle {
    /// At most once in `every`.
    pub fn new(every: Duration) -> Self {
        Self { every, next: Duration::ZERO }
    }

    /// Whether it may happen; `now` is the time since any fixed moment.
    pub fn is_due(&self, now: Duration) -> bool {
        now >= self.next
    }

    /// It happened: began at `now` and took so long.
    pub fn done(&mut self, now: Duration, took: Duration) {
        self.next = now + self.every.max(took * 10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_times_a_second_and_less_often_when_it_is_dear() {
        let ms = Duration::from_millis;
        let mut throttle = Throttle::new(ms(100));
        let mut done = Vec::new();
        for now in (0..1000).step_by(7) {
            if throttle.is_due(ms(now)) {
                throttle.done(ms(now), ms(if now < 500 { 1 } else { 30 }));
                done.push(now);
            }
        }
        assert_eq!(done, [0, 105, 210, 315, 420, 525, 826]);
    }
}
