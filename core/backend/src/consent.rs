//! Who is asked before a command runs that nobody vouches for.
//!
//! Apart from the gate because the answer comes from a person. Knows no terminal.

use futures::FutureExt;
use futures::future::BoxFuture;
use lab_types::Failure;

use crate::Answer;

/// A command that a plugin wants to run and that is not known to only read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// `host`, `agent` or `pod`, as in a card's scope.
    pub place: &'static str,
    /// Program and arguments, exactly.
    pub argv: Vec<String>,
    /// At how many places.
    pub places: usize,
}

/// Somebody who decides.
pub trait Consent: Send + Sync {
    /// Whether this may run. An error is a refusal, and says why.
    fn ask<'a>(&'a self, wish: &'a Wish) -> BoxFuture<'a, Answer<()>>;
}

/// Agrees to everything: the user said so beforehand, or nothing runs because the answers are
/// read from a capture.
#[derive(Clone, Copy, Debug)]
pub struct AnyConsent;

impl Consent for AnyConsent {
    fn ask<'a>(&'a self, _: &'a Wish) -> BoxFuture<'a, Answer<()>> {
        async { Ok(()) }.boxed()
    }
}

/// Agrees to nothing: nobody is there.
#[derive(Clone, Copy, Debug)]
pub struct NoConsent;

impl Consent for NoConsent {
    fn ask<'a>(&'a self, wish: &'a Wish) -> BoxFuture<'a, Answer<()>> {
        let program = wish.argv.first().map(String::as_str).unwrap_or_default();
        let failure = Failure::denied(format!("nobody can be asked whether `{program}` may run"));
        async { Err(failure) }.boxed()
    }
}
