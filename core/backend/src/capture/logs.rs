//! Container logs of a capture: `logs/<namespace>/<pod>/<container>.log`.

use lab_types::Failure;

use super::reader::Capture;
use crate::Answer;
use crate::files::path;

/// The file of a log that was asked without naming a container. No container is called so.
pub(super) const UNNAMED: &str = "_";

/// The file of a log.
pub(super) fn file(namespace: &str, pod: &str, container: &str, previous: bool) -> String {
    let end = if previous { ".previous.log" } else { ".log" };
    format!("logs/{namespace}/{pod}/{container}{end}")
}

/// What messages call a log.
pub(crate) fn shown(namespace: &str, pod: &str, container: Option<&str>, previous: bool) -> String {
    let which = if previous { "previous log" } else { "log" };
    let container = container.map(|container| format!(" {container}")).unwrap_or_default();
    format!("{which} of {namespace}/{pod}{container}")
}

impl Capture {
    /// The last lines of a log; all when `lines` is 0. Without a container it is the one that
    /// was recorded so, or the only one there is.
    pub(super) fn log(
        &self,
        namespace: &str,
        pod: &str,
        container: Option<&str>,
        lines: u32,
        previous: bool,
    ) -> Answer<String> {
        let parts = [Some(namespace), Some(pod), container];
        if parts.into_iter().flatten().any(|part| !path::is_part(part)) {
            return Err(Failure::invalid(format!("`{namespace}/{pod}` is not a pod")));
        }
        let name = match container {
            Some(container) => file(namespace, pod, container, previous),
            None => self.only_log(namespace, pod, previous)?,
        };
        let what = shown(namespace, pod, container, previous);
        let bytes = self.files.read(&name)?.ok_or_else(|| self.lacks(&what))?;
        // A log may hold anything; what is no text is shown as such and does not hide the rest.
        let text = String::from_utf8_lossy(&bytes);
        Ok(last_lines(&text, lines).to_owned())
    }

    fn only_log(&self, namespace: &str, pod: &str, previous: bool) -> Answer<String> {
        let unnamed = file(namespace, pod, UNNAMED, previous);
        if self.files.has(&unnamed) {
            return Ok(unnamed);
        }
        let folder = format!("logs/{namespace}/{pod}/");
        let names = self.files.names();
        let containers: Vec<&str> = names
            .iter()
            .filter_map(|name| name.strip_prefix(&folder)?.strip_suffix(".log"))
            .filter(|name| name.ends_with(".previous") == previous)
            .map(|name| name.strip_suffix(".previous").unwrap_or(name))
            .collect();
        match containers.as_slice() {
            [] => Ok(unnamed),
            [one] => Ok(file(namespace, pod, one, previous)),
            many => Err(Failure::invalid(format!(
                "{namespace}/{pod} has several containers: name one of {}",
                many.join(", ")
            ))),
        }
    }
}

/// The last lines of a text.
pub(crate) fn last_lines(text: &str, lines: u32) -> &str {
    if lines == 0 {
        return text;
    }
    let body = text.strip_suffix('\n').unwrap_or(text);
    let count = usize::try_from(lines).unwrap_or(usize::MAX);
    match body.rmatch_indices('\n').nth(count - 1) {
        Some((at, _)) => &text[at + 1..],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn last_lines_of_a_text() {
        assert_eq!(last_lines("a\nb\nc\n", 2), "b\nc\n");
        assert_eq!(last_lines("a\nb\nc", 2), "b\nc");
        assert_eq!(last_lines("a\nb\n", 5), "a\nb\n");
        assert_eq!(last_lines("a\nb\n", 0), "a\nb\n");
        assert_eq!(last_lines("", 3), "");
        assert_eq!(last_lines("\n\n", 1), "\n");
    }
}
