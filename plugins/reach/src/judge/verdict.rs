//! Prediction against measurement, in one word.

use lab_plugin::{Health, Level};

use crate::measure::State;
use crate::predict::Fate;
use crate::rounds::Probe;

/// What a pair comes to, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Answered, and nothing speaks against it.
    Ok,
    /// Answered, and large packets are lost that should arrive.
    Mtu,
    /// Some answers are missing.
    Lossy,
    /// Answered, although packets should be lost.
    UnpredictedAnswer,
    /// Not answered; the tables say so too, or say nothing.
    Lost,
    /// Not answered, although request and answer should arrive.
    UnpredictedLoss,
    /// Not measured.
    Unknown,
}

impl Verdict {
    /// Every verdict, best first.
    pub const ALL: [Self; 7] = [
        Self::Ok,
        Self::Mtu,
        Self::Lossy,
        Self::UnpredictedAnswer,
        Self::Lost,
        Self::UnpredictedLoss,
        Self::Unknown,
    ];

    /// The verdict on a pair.
    pub fn of(probe: &Probe) -> Self {
        match (probe.measured.state, probe.prediction.fate) {
            (State::Unknown, _) => Self::Unknown,
            (State::Answered, Fate::Lost) => Self::UnpredictedAnswer,
            // Of several endpoints those that are out of reach are the reason, and no noise.
            (State::Answered, _) if probe.measured.loss().is_some_and(|loss| loss > 0.0) => {
                Self::Lossy
            }
            (State::Answered, _) if is_narrow(probe).is_some() => Self::Mtu,
            (State::Answered, _) => Self::Ok,
            (_, Fate::Arrives) => Self::UnpredictedLoss,
            (_, Fate::Lost | Fate::Open) => Self::Lost,
        }
    }

    /// The word people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Mtu => "mtu",
            Self::Lossy => "lossy",
            Self::UnpredictedAnswer => "unpredicted-answer",
            Self::Lost => "lost",
            Self::UnpredictedLoss => "unpredicted-loss",
            Self::Unknown => "unknown",
        }
    }

    /// How bad it is.
    pub fn level(self) -> Level {
        match self {
            Self::Ok => Level::Good,
            Self::Mtu | Self::Lossy | Self::UnpredictedAnswer => Level::Warn,
            Self::Lost | Self::UnpredictedLoss => Level::Bad,
            Self::Unknown => Level::Unknown,
        }
    }

    /// As a cell.
    pub fn health(self) -> Health {
        Health(self.level(), self.word().to_owned())
    }

    /// Worth a row where not all are shown: what was not measured is counted, and told by its
    /// sender.
    pub fn is_exception(self) -> bool {
        !matches!(self, Self::Ok | Self::Unknown)
    }
}

/// Measured and predicted MTU, where the first is smaller.
pub(super) fn is_narrow(probe: &Probe) -> Option<(u32, u32)> {
    let measured = probe.path.as_ref()?.mtu?;
    let predicted = probe.prediction.mtu?;
    (measured < predicted).then_some((measured, predicted))
}
