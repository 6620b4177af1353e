//! Pages of a list, each asked for while the plugin reads the one before.
//!
//! Apart because whoever answers knows nothing of it: an API server's next page is on its way, or
//! a capture's is cut down to what was asked for, on another thread than the plugin's.

use std::panic::resume_unwind;
use std::sync::Arc;

use lab_backend::Answer;
use lab_backend::Backend;
use lab_backend::Page;
use lab_backend::Selection;
use lab_types::Failure;
use tokio::task::JoinSet;

/// The page that a plugin is likely to ask for next. At most one, so a plugin that never takes it
/// has cost one question, and the memory of one page.
#[derive(Default)]
pub(crate) struct Pages {
    coming: Option<Box<Coming>>,
}

/// A page that was asked for before the plugin did.
struct Coming {
    question: Question,
    /// One task; it ends when nobody wants the page any more.
    page: JoinSet<Answer<Page>>,
}

#[derive(Clone, PartialEq)]
struct Question {
    of: Selection,
    limit: u32,
    more: Option<String>,
}

impl Pages {
    /// The page that is asked for, and the one behind it is on its way.
    pub(crate) async fn page(
        &mut self,
        backend: &Arc<dyn Backend>,
        of: Selection,
        limit: u32,
        more: Option<String>,
    ) -> Answer<Page> {
        let question = Question { of, limit, more };
        let page = match self.coming.take().filter(|coming| coming.question == question) {
            Some(mut coming) => taken(&mut coming.page).await?,
            None => backend.list(&question.of, limit, question.more.clone()).await?,
        };
        if page.more.is_some() {
            let question = Question { more: page.more.clone(), ..question };
            self.coming = Some(Box::new(Coming::ask(backend.clone(), question)));
        }
        Ok(page)
    }
}

impl Coming {
    fn ask(backend: Arc<dyn Backend>, question: Question) -> Self {
        let Question { of, limit, more } = question.clone();
        let mut page = JoinSet::new();
        page.spawn(async move { backend.list(&of, limit, more).await });
        Self { question, page }
    }
}

async fn taken(page: &mut JoinSet<Answer<Page>>) -> Answer<Page> {
    match page.join_next().await {
        Some(Ok(page)) => page,
        Some(Err(error)) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(Failure::stopped()),
        },
        None => Err(Failure::stopped()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use futures::future::BoxFuture;
    use futures::stream::BoxStream;
    use lab_backend::About;
    use lab_backend::Change;
    use lab_backend::Chunk;
    use lab_backend::Host;
    use lab_backend::Outcome;

    use super::*;

    /// Numbers, one a page, and which of them were asked for.
    struct Numbers {
        last: u32,
        fails_at: Option<u32>,
        asked: Mutex<Vec<u32>>,
    }

    impl Backend for Numbers {
        fn list<'a>(
            &'a self,
            _: &'a Selection,
            _: u32,
            more: Option<String>,
        ) -> BoxFuture<'a, Answer<Page>> {
            let n = more.map_or(0, |more| more.parse().unwrap());
            self.asked.lock().unwrap().push(n);
            let fails = self.fails_at == Some(n);
            let more = (n < self.last).then(|| (n + 1).to_string());
            let page = Page { items: vec![n.to_string()], more };
            Box::pin(async move { if fails { Err(Failure::other("gone")) } else { Ok(page) } })
        }

        fn about(&self) -> About {
            About { versions: BTreeMap::new(), ..About::default() }
        }
        fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>> {
            unreachable!("only lists are asked for")
        }
        fn version(&self) -> BoxFuture<'_, Answer<String>> {
            unreachable!("only lists are asked for")
        }
        fn get<'a>(&'a self, _: &'a Selection, _: &'a str) -> BoxFuture<'a, Answer<String>> {
            unreachable!("only lists are asked for")
        }
        fn logs<'a>(
            &'a self,
            _: &'a str,
            _: &'a str,
            _: Option<&'a str>,
            _: u32,
            _: bool,
        ) -> BoxFuture<'a, Answer<String>> {
            unreachable!("only lists are asked for")
        }
        fn run<'a>(&'a self, _: &'a lab_backend::Question) -> BoxFuture<'a, Answer<Outcome>> {
            unreachable!("only lists are asked for")
        }
        fn start(
            &self,
            _: lab_backend::Question,
        ) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
            unreachable!("only lists are asked for")
        }
        fn watch(&self, _: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
            unreachable!("only lists are asked for")
        }
    }

    fn numbers(last: u32, fails_at: Option<u32>) -> (Arc<Numbers>, Arc<dyn Backend>) {
        let numbers = Arc::new(Numbers { last, fails_at, asked: Mutex::default() });
        (numbers.clone(), numbers)
    }

    fn pods() -> Selection {
        Selection { api_version: "v1".into(), kind: "Pod".into(), ..Selection::default() }
    }

    async fn all(pages: &mut Pages, backend: &Arc<dyn Backend>) -> Answer<Vec<String>> {
        let (mut items, mut more) = (Vec::new(), None);
        loop {
            let page = pages.page(backend, pods(), 0, more).await?;
            items.extend(page.items);
            match page.more {
                Some(next) => more = Some(next),
                None => return Ok(items),
            }
        }
    }

    #[tokio::test]
    async fn every_page_comes_once_and_in_order() {
        let (asked, backend) = numbers(3, None);
        let mut pages = Pages::default();
        assert_eq!(all(&mut pages, &backend).await.unwrap(), ["0", "1", "2", "3"]);
        assert_eq!(*asked.asked.lock().unwrap(), [0, 1, 2, 3]);
    }

    #[tokio::test]
    async fn the_next_page_is_asked_for_before_the_plugin_does() {
        let (asked, backend) = numbers(3, None);
        let mut pages = Pages::default();
        let page = pages.page(&backend, pods(), 0, None).await.unwrap();
        tokio::task::yield_now().await;
        assert_eq!((page.items, page.more.as_deref()), (vec!["0".to_owned()], Some("1")));
        assert_eq!(*asked.asked.lock().unwrap(), [0, 1]);
    }

    #[tokio::test]
    async fn another_question_is_not_answered_with_what_was_asked_ahead() {
        let (_, backend) = numbers(9, None);
        let mut pages = Pages::default();
        pages.page(&backend, pods(), 0, None).await.unwrap();
        let page = pages.page(&backend, pods(), 0, Some("7".into())).await.unwrap();
        assert_eq!(page.items, ["7"]);
        let page = pages.page(&backend, pods(), 5, Some("8".into())).await.unwrap();
        assert_eq!(page.items, ["8"]);
    }

    #[tokio::test]
    async fn a_page_that_fails_fails_when_it_is_asked_for() {
        let (asked, backend) = numbers(3, Some(1));
        let mut pages = Pages::default();
        let page = pages.page(&backend, pods(), 0, None).await.unwrap();
        for _ in 0..2 {
            let failure = pages.page(&backend, pods(), 0, page.more.clone()).await.unwrap_err();
            assert_eq!(failure.message, "gone");
        }
        assert_eq!(*asked.asked.lock().unwrap(), [0, 1, 1]);
    }
}
