//! A text file: somebody saved what a command printed, and nothing else is known.
//!
//! Apart from captures, which say which command on which host: here a user says so by asking for
//! it. It must not know what is in the file; whoever follows the command reads that.

use std::path::Path;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use lab_types::Failure;

use crate::About;
use crate::Answer;
use crate::Backend;
use crate::Change;
use crate::Chunk;
use crate::Host;
use crate::HostKind;
use crate::Outcome;
use crate::Page;
use crate::Place;
use crate::Question;
use crate::Selection;
use crate::replay::replay;

/// A node of which one output is known: that of whatever its agent is asked to go on with.
#[derive(Debug)]
pub struct SavedOutput {
    source: String,
    host: String,
    out: Vec<u8>,
}

impl SavedOutput {
    /// What a file holds; the node is called by the file's name without its ending.
    pub fn new(path: &Path, out: Vec<u8>) -> Self {
        let part = |name: Option<&std::ffi::OsStr>| {
            name.map_or_else(|| "file".to_owned(), |name| name.to_string_lossy().into_owned())
        };
        let source = format!("file {}", part(path.file_name()));
        Self { source, host: part(path.file_stem()), out }
    }

    fn lacks<T: Send + 'static>(what: impl std::fmt::Display) -> BoxFuture<'static, Answer<T>> {
        let failure = Failure::unavailable(format!("not in this file: {what}"))
            .hint("a text file answers commands that follow one agent, such as `monitor`");
        Box::pin(async move { Err(failure) })
    }
}

impl Backend for SavedOutput {
    fn about(&self) -> About {
        About { source: self.source.clone(), ..About::default() }
    }

    fn is_recorded(&self) -> bool {
        true
    }

    fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>> {
        let host = Host { name: self.host.clone(), kind: HostKind::Node, addresses: Vec::new() };
        Box::pin(async move { Ok(vec![host]) })
    }

    fn version(&self) -> BoxFuture<'_, Answer<String>> {
        Self::lacks("the API server's version")
    }

    fn get<'a>(&'a self, of: &'a Selection, name: &'a str) -> BoxFuture<'a, Answer<String>> {
        Self::lacks(format!("{of} {name}"))
    }

    fn list<'a>(
        &'a self,
        of: &'a Selection,
        _limit: u32,
        _more: Option<String>,
    ) -> BoxFuture<'a, Answer<Page>> {
        Self::lacks(of)
    }

    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        _container: Option<&'a str>,
        _lines: u32,
        _previous: bool,
    ) -> BoxFuture<'a, Answer<String>> {
        Self::lacks(format!("log of {namespace}/{pod}"))
    }

    fn run<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer<Outcome>> {
        Self::lacks(question.argv.join(" "))
    }

    fn start(&self, question: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
        match question.place {
            Place::Agent { host } if host == self.host => {
                let out = self.out.clone();
                let outcome = Outcome { code: 0, out, err: Vec::new(), truncated: false };
                Box::pin(async move { Ok(replay(outcome, Vec::new())) })
            }
            place => Self::lacks(place),
        }
    }

    fn watch(&self, of: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
        Self::lacks(of)
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use futures::executor::block_on;

    use super::*;
    use crate::open_any;

    fn question(host: &str) -> Question {
        let argv = ["anything", "at", "all"].map(str::to_owned).to_vec();
        Question { place: Place::Agent { host: host.to_owned() }, argv }
    }

    #[test]
    fn a_text_file_is_what_the_agent_of_its_node_prints() {
        let path = std::env::temp_dir().join(format!("lab-saved-{}.txt", std::process::id()));
        std::fs::write(&path, "one\ntwo\n").unwrap();
        let saved = open_any(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let hosts = block_on(saved.hosts()).unwrap();
        assert_eq!(hosts[0].name, path.file_stem().unwrap().to_string_lossy());
        assert!(saved.is_recorded());
        let chunks: Vec<Chunk> =
            block_on(block_on(saved.start(question(&hosts[0].name))).unwrap().collect());
        assert_eq!(chunks, [Chunk::Out(b"one\ntwo\n".to_vec()), Chunk::Ended(Ok(0))]);
        assert!(block_on(saved.start(question("other"))).is_err());
        let failure = block_on(saved.run(&question(&hosts[0].name))).unwrap_err();
        assert!(failure.to_string().contains("not in this file: anything at all"), "{failure}");
    }

    #[test]
    fn what_is_no_text_is_not_taken_for_one() {
        let path = std::env::temp_dir().join(format!("lab-saved-{}.bin", std::process::id()));
        std::fs::write(&path, b"PK\x03\x04nothing").unwrap();
        let failure = open_any(&path).map(|_| ()).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert!(failure.message.contains("cannot read"), "{failure}");
    }
}
