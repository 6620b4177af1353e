//! A private folder for the sockets of shared ssh connections.
//!
//! Apart because a socket that others can open is a login that others have. Knows nothing of ssh.

use std::path::{Path, PathBuf};

/// A folder that only this user can enter; removed when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// `None` where it cannot be made, or where ssh cannot share connections (Windows).
    #[cfg(unix)]
    pub(crate) fn new() -> Option<Self> {
        use std::os::unix::fs::DirBuilderExt;

        // A socket's path must fit in about 100 bytes, which temporary folders of users often do not.
        for base in [std::env::temp_dir(), PathBuf::from("/tmp")] {
            let path = base.join(format!("lab-ssh-{:016x}", crate::chance::random()));
            let fits = path.as_os_str().len() <= 70;
            // Fails if it exists, so nobody can have prepared it.
            if fits && std::fs::DirBuilder::new().mode(0o700).create(&path).is_ok() {
                return Some(Self(path));
            }
        }
        None
    }

    /// `None`: OpenSSH for Windows cannot share connections.
    #[cfg(not(unix))]
    pub(crate) fn new() -> Option<Self> {
        None
    }

    /// The socket of the nth host.
    pub(crate) fn socket(&self, nth: usize) -> PathBuf {
        self.path().join(format!("{nth}.s"))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
