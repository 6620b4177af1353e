//! `--host`: a backend with fewer hosts. Questions for the others are refused, so that a
//! plugin that knows a name from elsewhere cannot ask past the user's choice.

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use lab_types::Failure;

use crate::About;
use crate::Answer;
use crate::Backend;
use crate::Change;
use crate::Chunk;
use crate::Host;
use crate::Outcome;
use crate::Page;
use crate::Question;
use crate::Selection;

/// Limits a backend to some hosts. Objects are not narrowed: a table over one host still
/// needs the whole cluster to judge it. Nor are commands in pods, which name no host.
#[derive(Clone, Debug)]
pub struct HostFilter<B> {
    inner: B,
    patterns: Vec<String>,
}

impl<B> HostFilter<B> {
    /// Limits to the hosts that fit one of the patterns: names, in which `*` stands for any
    /// text and `?` for one character. A pattern may itself be several, joined by commas.
    pub fn new<S: AsRef<str>>(inner: B, patterns: impl IntoIterator<Item = S>) -> Self {
        let patterns = patterns
            .into_iter()
            .flat_map(|text| {
                text.as_ref().split(',').map(str::trim).map(str::to_owned).collect::<Vec<_>>()
            })
            .filter(|pattern| !pattern.is_empty())
            .collect();
        Self { inner, patterns }
    }

    /// Whether a host is left in.
    pub fn allows(&self, host: &str) -> bool {
        self.patterns.iter().any(|pattern| fits(pattern, host))
    }
}

impl<B: Backend> HostFilter<B> {
    fn check(&self, question: &Question) -> Answer<()> {
        match question.place.host() {
            Some(host) if !self.allows(host) => {
                let patterns = self.patterns.join(",");
                Err(Failure::unavailable(format!("host {host} is left out by `--host {patterns}`")))
            }
            _ => Ok(()),
        }
    }

    fn narrowed(&self, hosts: Vec<Host>) -> Answer<Vec<Host>> {
        let all: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
        let unknown =
            self.patterns.iter().find(|pattern| !all.iter().any(|host| fits(pattern, host)));
        if let Some(pattern) = unknown {
            let failure = Failure::invalid(format!("no host fits `--host {pattern}`"));
            return Err(match nearest(pattern, &all) {
                Some(near) => failure.hint(format!("the nearest name is `{near}`")),
                None if all.is_empty() => failure.hint("there is no host at all"),
                None => failure.hint(format!("the hosts are {}", shortened(&all))),
            });
        }
        Ok(hosts.into_iter().filter(|host| self.allows(&host.name)).collect())
    }
}

/// At most a line of names.
fn shortened(names: &[&str]) -> String {
    const MOST: usize = 8;
    let shown = names.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    let rest = names.len().saturating_sub(MOST);
    if rest == 0 { shown } else { format!("{shown} and {rest} more") }
}

/// Whether a name fits a pattern with `*` and `?`.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to go on when a guess about the last `*` was too short.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The name with the fewest letters to change, if that is few enough to be a slip.
fn nearest<'a>(wanted: &str, names: &[&'a str]) -> Option<&'a str> {
    let near = names.iter().map(|name| (distance(wanted, name), *name)).min()?;
    (near.0 <= wanted.chars().count().max(3) / 3).then_some(near.1)
}

/// Letters to add, drop or change to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == *y { corner } else { 1 + corner.min(above).min(row[j]) };
            corner = above;
        }
    }
    row[b.len()]
}

impl<B: Backend> Backend for HostFilter<B> {
    fn about(&self) -> About {
        self.inner.about()
    }

    fn is_recorded(&self) -> bool {
        self.inner.is_recorded()
    }

    fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>> {
        Box::pin(async move { self.narrowed(self.inner.hosts().await?) })
    }

    fn version(&self) -> BoxFuture<'_, Answer<String>> {
        self.inner.version()
    }

    fn get<'a>(&'a self, of: &'a Selection, name: &'a str) -> BoxFuture<'a, Answer<String>> {
        self.inner.get(of, name)
    }

    fn list<'a>(
        &'a self,
        of: &'a Selection,
        limit: u32,
        more: Option<String>,
    ) -> BoxFuture<'a, Answer<Page>> {
        self.inner.list(of, limit, more)
    }

    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        container: Option<&'a str>,
        lines: u32,
        previous: bool,
    ) -> BoxFuture<'a, Answer<String>> {
        self.inner.logs(namespace, pod, container, lines, previous)
    }

    fn run<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer<Outcome>> {
        match self.check(question) {
            Ok(()) => self.inner.run(question),
            Err(failure) => Box::pin(async move { Err(failure) }),
        }
    }

    fn start(&self, question: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
        match self.check(&question) {
            Ok(()) => self.inner.start(question),
            Err(failure) => Box::pin(async move { Err(failure) }),
        }
    }

    fn watch(&self, of: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
        self.inner.watch(of)
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::Place;
    use crate::demo;

    fn names(patterns: &[&str]) -> Answer<Vec<String>> {
        let filter = HostFilter::new(demo::open().unwrap(), patterns);
        let hosts = block_on(filter.hosts())?;
        Ok(hosts.into_iter().map(|host| host.name).collect())
    }

    #[test]
    fn patterns_choose_hosts() {
        assert_eq!(names(&["k8s-w*"]).unwrap(), ["k8s-w0", "k8s-w1"]);
        assert_eq!(names(&["router,k8s-ctr"]).unwrap(), ["k8s-ctr", "router"]);
        assert_eq!(names(&["k8s-w?", " router "]).unwrap(), ["k8s-w0", "k8s-w1", "router"]);
        assert_eq!(names(&["*"]).unwrap().len(), 4);
    }

    #[test]
    fn an_unknown_name_is_an_error_with_the_nearest_one() {
        let failure = names(&["k8s-w0,k8s-cntr"]).unwrap_err();
        assert_eq!(failure.message, "no host fits `--host k8s-cntr`");
        assert_eq!(failure.hint.as_deref(), Some("the nearest name is `k8s-ctr`"));
        let failure = names(&["db-*"]).unwrap_err();
        assert_eq!(failure.hint.as_deref(), Some("the hosts are k8s-ctr, k8s-w0, k8s-w1, router"));
    }

    #[test]
    fn other_hosts_are_not_asked() {
        let filter = HostFilter::new(demo::open().unwrap(), ["k8s-w0"]);
        let ask = |place| Question { place, argv: vec!["hostname".into()] };
        let allowed = ask(Place::Host { host: "k8s-w0".into() });
        assert!(block_on(filter.run(&allowed)).is_ok());
        for place in
            [Place::Host { host: "router".into() }, Place::Agent { host: "k8s-ctr".into() }]
        {
            let question = ask(place);
            let failure = block_on(filter.run(&question)).unwrap_err();
            assert!(failure.message.ends_with("is left out by `--host k8s-w0`"), "{failure}");
            assert!(block_on(filter.start(question)).is_err());
        }
    }

    #[test]
    fn globs() {
        for (pattern, name, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbcd", false),
            ("*b*b*", "abcb", true),
            ("*b*b*", "abc", false),
            ("?", "", false),
            ("??", "äö", true),
            ("a", "ab", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn distances() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }
}
