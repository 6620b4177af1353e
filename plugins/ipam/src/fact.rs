//! A value that was read, was not, or is not there. Unknown is never zero.

/// A value: read, not read, or none there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact<T> {
    /// It was read.
    Known(T),
    /// It was not, and why.
    Unknown(String),
    /// There is none: asked, and not there, or it makes no sense here.
    Absent,
}

impl<T> Fact<T> {
    /// Nobody asked.
    pub fn not_asked() -> Self {
        Self::Unknown("not asked".to_owned())
    }

    /// The value, if it is known.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }

    /// The same about something made of the value.
    pub fn map<U>(&self, make: impl FnOnce(&T) -> U) -> Fact<U> {
        match self {
            Self::Known(value) => Fact::Known(make(value)),
            Self::Unknown(why) => Fact::Unknown(why.clone()),
            Self::Absent => Fact::Absent,
        }
    }

    /// Takes the value out; unknown and absent stay what they are.
    pub fn take(&mut self) -> Option<T>
    where
        T: Default,
    {
        match self {
            Self::Known(value) => Some(std::mem::take(value)),
            _ => None,
        }
    }
}
