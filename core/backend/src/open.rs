//! Opens whatever a user names, by what is in it and not by what it is called.

use std::path::Path;
use std::sync::Arc;

use lab_types::Failure;

use crate::Answer;
use crate::Backend;
use crate::Capture;
use crate::ClusterInfo;
use crate::Limits;
use crate::SavedOutput;
use crate::Sysdump;
use crate::capture;
use crate::files::Files;

/// Opens a capture, a sysdump or a dump of cluster-info, each a folder or a zip; or a text file not
/// called one, which is taken for what the agent of one node printed.
///
/// - Errors: `invalid-input` when it cannot be read or is none of them.
pub fn open_any(path: impl AsRef<Path>) -> Answer<Arc<dyn Backend>> {
    // What is called a zip was one once, or should have been.
    let is_zip = path.as_ref().extension().is_some_and(|end| end.eq_ignore_ascii_case("zip"));
    if !is_zip && let Some(bytes) = Files::text(path.as_ref(), Limits::default()) {
        return Ok(Arc::new(SavedOutput::new(path.as_ref(), bytes?)));
    }
    let files = Files::open(path.as_ref(), Limits::default())?;
    if capture::root(&files).is_some() {
        return Ok(Arc::new(Capture::from_files(files)?));
    }
    if let Some(root) = Sysdump::root(&files) {
        return Ok(Arc::new(Sysdump::from_files(files, root)));
    }
    if let Some(root) = ClusterInfo::root(&files) {
        return Ok(Arc::new(ClusterInfo::from_files(files, root)));
    }
    Err(Failure::invalid(format!(
        "{} is neither a capture nor a sysdump nor a dump of cluster-info",
        files.name
    ))
    .hint("name what `kubectl lab capture` or a sysdump wrote, zipped or as a folder"))
}
