//! Compiled artifacts, kept between runs in a directory that only the user can write.
//!
//! An artifact is native code. It is used only when its directory and file belong to the user,
//! nobody else can write them, and its content has the checksum that was noted when it was made.
//! Anything else means: compile again, and replace it if the directory allows.

use std::fs;
use std::hash::Hash;
use std::hash::Hasher;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use sha2::Digest;
use sha2::Sha256;

/// A directory of artifacts. Never an error to the user: at worst everything is compiled anew.
#[derive(Clone, Debug)]
pub struct ArtifactCache {
    folder: Option<PathBuf>,
}

impl ArtifactCache {
    /// Keeps artifacts below `folder`, which is made when first needed.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()) }
    }

    /// Keeps nothing.
    pub fn none() -> Self {
        Self { folder: None }
    }

    /// The file of a component's artifact for this engine, if it can be trusted. It is meant to
    /// be mapped: copied, a start would cost a third more.
    pub(crate) fn find(&self, engine: &wasmtime::Engine, wasm: &[u8]) -> Option<PathBuf> {
        let path = self.path(engine, wasm)?;
        verify(&path).is_ok().then_some(path)
    }

    /// Keeps an artifact. A read-only or foreign directory is tolerated: the next run compiles
    /// again.
    pub(crate) fn keep(&self, engine: &wasmtime::Engine, wasm: &[u8], artifact: &[u8]) {
        if let Some(path) = self.path(engine, wasm) {
            drop(store(&path, artifact));
        }
    }

    /// Forgets a component's artifact: one that the engine refused, or that nobody should use.
    pub fn forget(&self, engine: &crate::Engine, wasm: &[u8]) {
        if let Some(path) = self.path(engine.inner(), wasm) {
            drop(fs::remove_file(path));
        }
    }

    /// What is in the cache, and whether it can be used. Makes the folder if it is missing, as the
    /// next run would; none where nothing is kept.
    pub fn inspect(&self, engine: &crate::Engine, wasm: &[&[u8]]) -> Option<CacheState> {
        let folder = self.folder.clone()?;
        let current: Vec<PathBuf> =
            wasm.iter().filter_map(|wasm| self.path(engine.inner(), wasm)).collect();
        let usable = probe(&folder).map_err(|error| error.to_string());
        let mut state = CacheState { mode: mode(&folder), folder, usable, bytes: 0, stale: vec![] };
        for (path, bytes) in files(&state.folder) {
            state.bytes += bytes;
            if !current.contains(&path) {
                state.stale.push((path, bytes));
            }
        }
        Some(state)
    }

    fn path(&self, engine: &wasmtime::Engine, wasm: &[u8]) -> Option<PathBuf> {
        let folder = self.folder.as_ref()?;
        // The standard hasher's keys are fixed; the value only names a folder.
        let mut hasher = std::hash::DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let engine = format!("{:016x}", hasher.finish());
        Some(folder.join(engine).join(format!("{}.cwasm", hex(&Sha256::digest(wasm)))))
    }
}

/// A look at a cache.
#[derive(Clone, Debug)]
pub struct CacheState {
    /// Where it is.
    pub folder: PathBuf,
    /// Bits of its mode, such as `0o700`; absent where there are none.
    pub mode: Option<u32>,
    /// Whether a file could be made in it, or why not.
    pub usable: Result<(), String>,
    /// All files together.
    pub bytes: u64,
    /// Files of other engines and other plugins, with their sizes.
    pub stale: Vec<(PathBuf, u64)>,
}

/// Makes a file in the folder and removes it.
fn probe(folder: &Path) -> io::Result<()> {
    create_private(folder)?;
    only_mine(&fs::symlink_metadata(folder)?)?;
    let path = folder.join(format!("probe.{}.tmp", std::process::id()));
    fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    fs::remove_file(path)
}

/// The artifacts in the folders of all engines, by path.
fn files(folder: &Path) -> Vec<(PathBuf, u64)> {
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<(PathBuf, u64)> = entries(folder)
        .flat_map(|engine| entries(&engine.path()))
        .filter_map(|file| {
            let metadata = file.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((file.path(), metadata.len()))
        })
        .collect();
    files.sort();
    files
}

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|metadata| metadata.mode() & 0o777)
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<u32> {
    None
}

/// Bytes of a checksum (CRC-32) behind the artifact: in front of it, the code in it could not be
/// mapped. It finds damage; against people there is the owner, since whoever could change the
/// artifact could change a hash beside it too, however strong. A SHA-256 of three megabytes was a
/// sixth of a start.
const CHECKSUM: u64 = 4;

/// Whether a file and its directory are the user's alone, and it is as it was written. Who could
/// swap it afterwards is the user.
fn verify(path: &Path) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
    only_mine(&fs::symlink_metadata(folder)?)?;
    only_mine(&fs::symlink_metadata(path)?)?;
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len().checked_sub(CHECKSUM).ok_or(io::ErrorKind::InvalidData)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut rest = length;
    let mut piece = vec![0; 64 << 10];
    while rest > 0 {
        let most = piece.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
        file.read_exact(&mut piece[..most])?;
        hasher.update(&piece[..most]);
        rest -= most as u64;
    }
    let mut noted = Vec::new();
    file.read_to_end(&mut noted)?;
    if hasher.finalize().to_le_bytes() == *noted {
        Ok(())
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

fn store(path: &Path, artifact: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
    create_private(folder)?;
    only_mine(&fs::symlink_metadata(folder)?)?;
    // Written beside and renamed: another run may have the old one open.
    let beside = folder.join(format!(
        "{}.{}.tmp",
        path.file_name().and_then(|name| name.to_str()).unwrap_or("artifact"),
        std::process::id()
    ));
    let written = write_private(&beside, artifact).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        drop(fs::remove_file(&beside));
    }
    written
}

fn write_private(path: &Path, artifact: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(artifact)?;
    file.write_all(&crc32fast::hash(artifact).to_le_bytes())?;
    file.sync_all()
}

fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Refuses what somebody else owns or can write.
#[cfg(unix)]
fn only_mine(metadata: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let mine = metadata.uid() == current_user()? && metadata.mode() & 0o022 == 0;
    if mine && !metadata.is_symlink() {
        Ok(())
    } else {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

#[cfg(not(unix))]
fn only_mine(_: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// The user of this process, as the owner of its own entry in `/proc`, or of a file that it
/// has just made where there is no `/proc`.
#[cfg(unix)]
fn current_user() -> io::Result<u32> {
    use std::os::unix::fs::MetadataExt;
    if let Ok(metadata) = fs::metadata("/proc/self") {
        return Ok(metadata.uid());
    }
    let probe = std::env::temp_dir().join(format!("kubectl-lab-user-{}", std::process::id()));
    fs::OpenOptions::new().write(true).create_new(true).open(&probe)?;
    let owner = fs::metadata(&probe).map(|metadata| metadata.uid());
    fs::remove_file(&probe)?;
    owner
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("lab-cache-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        folder
    }

    /// Whether it was there; kept when it was not.
    fn ask(cache: &ArtifactCache, wasm: &[u8]) -> bool {
        let engine = wasmtime::Engine::default();
        if let Some(path) = cache.find(&engine, wasm) {
            assert!(fs::read(path).unwrap().starts_with(b"artifact"));
            return true;
        }
        cache.keep(&engine, wasm, b"artifact");
        false
    }

    fn only_file(folder: &Path) -> PathBuf {
        let engine = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
        fs::read_dir(engine).unwrap().next().unwrap().unwrap().path()
    }

    #[test]
    fn second_time_comes_from_the_cache() {
        let folder = folder("second");
        let cache = ArtifactCache::new(&folder);
        assert!(!ask(&cache, b"wasm"));
        assert!(ask(&cache, b"wasm"));
        assert!(!ask(&cache, b"other"), "another component has another artifact");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn changed_content_is_compiled_again() {
        let folder = folder("changed");
        let cache = ArtifactCache::new(&folder);
        ask(&cache, b"wasm");
        let file = only_file(&folder);
        let whole = fs::read(&file).unwrap();
        let (mut changed, mut longer) = (whole.clone(), whole.clone());
        changed[0] ^= 1;
        longer.push(0);
        for content in [&changed[..], &longer, &whole[..whole.len() - 1], &whole[..5], b""] {
            fs::write(&file, content).unwrap();
            assert!(!ask(&cache, b"wasm"));
            assert!(ask(&cache, b"wasm"), "and repaired");
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn writable_by_others_is_compiled_again() {
        let folder = folder("writable");
        let cache = ArtifactCache::new(&folder);
        ask(&cache, b"wasm");
        let file = only_file(&folder);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(!ask(&cache, b"wasm"));
        let parent = file.parent().unwrap();
        fs::set_permissions(parent, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(!ask(&cache, b"wasm"));
        assert!(!ask(&cache, b"wasm"), "nothing is kept in such a folder");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn unwritable_place_is_tolerated() {
        // A file where the folder should be: nothing can be kept, nothing fails.
        let folder = folder("unwritable");
        fs::write(&folder, "").unwrap();
        let cache = ArtifactCache::new(&folder);
        assert!(!ask(&cache, b"wasm"));
        assert!(!ask(&cache, b"wasm"));
        fs::remove_file(&folder).unwrap();
    }
}
