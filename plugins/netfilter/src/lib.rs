//! The rules of Linux' packet filter as `iptables-save` prints them: read without loss, written
//! in one canonical form, compared, explained and walked.
//!
//! Apart from the plugins because all of it is pure: text in, records and problems out. It must
//! not know a host's name, a cluster, a column or a finding.
//!
//! Reading order: [`save`] (lines of a dump, as they are), [`spec`] (words and clauses of one
//! rule), [`canonical`] (one form for what means the same), [`literal`] (values that are each
//! host's own), [`ruleset`] (a host's tables, equal rules kept once), [`diff`] and [`changed`]
//! (what differs), [`purpose`] (what a rule is for), [`check`] (what is wrong in one host's
//! rules alone), [`walk`] (which rules a packet meets), and [`ipset`] and [`nft`] (what belongs
//! to the rules and is printed by other tools).

pub mod canonical;
pub mod changed;
pub mod check;
pub mod diff;
pub mod digest;
pub mod ipset;
pub mod literal;
pub mod nft;
pub mod purpose;
pub mod ruleset;
pub mod save;
pub mod spec;
pub mod walk;
