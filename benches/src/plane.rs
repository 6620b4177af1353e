//! A real control plane on loopback: etcd and kube-apiserver, filled with a generated cluster.
//!
//! Apart from the served crowd because that one answers at once: here a list costs the server
//! what it costs anywhere, and objects are as large as anywhere. Nothing else runs, so nobody
//! changes or takes away what is in it. The store is kept; certificates, tokens and logs live in
//! a folder of the run, which is removed at its end.

mod curl;
mod definitions;
mod etcd;
mod fill;
mod process;
mod protobuf;
mod server;

use std::fs;
use std::path::{Path, PathBuf};

pub use curl::Pages;
use etcd::Etcd;
use server::Server;

use crate::generate::Shape;

/// Where the programs are, and what is wanted.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The folder with `etcd`, `kube-apiserver` and `kubectl`.
    pub programs: PathBuf,
    /// The folder with the definitions of Cilium's resources, in folders of their versions; bare
    /// ones are made where it is not there.
    pub definitions: PathBuf,
    /// Where the filled store is kept.
    pub store: PathBuf,
    /// Where the files of this run are; it is made anew and removed.
    pub run: PathBuf,
    /// What is in it.
    pub shape: Shape,
}

/// A control plane that can be asked; it ends with this.
#[derive(Debug)]
pub struct Plane {
    // In this order: the server is ended before what it writes to.
    server: Server,
    etcd: Etcd,
    run: PathBuf,
}

impl Plane {
    /// Fills the store when it is not there yet, and serves it.
    ///
    /// - Errors: a program is missing or does not come up, the disk's, or the store's.
    pub fn start(setup: &Setup) -> Result<Self, String> {
        for name in ["etcd", "kube-apiserver", "kubectl"] {
            let path = setup.programs.join(name);
            if !path.is_file() {
                return Err(format!("there is no {}", path.display()));
            }
        }
        if !setup.store.is_dir() {
            let part = setup.store.with_extension("part");
            drop(fs::remove_dir_all(&part));
            // Before there is a server, which would read every object as it comes.
            let plane = Self::serve(setup, &part, |etcd| fill::put(setup, etcd))?;
            fill::finish(setup, &plane.etcd, &plane.server)?;
            drop(plane);
            fs::rename(&part, &setup.store).map_err(|error| error.to_string())?;
        }
        Self::serve(setup, &setup.store, |_| Ok(()))
    }

    fn serve(
        setup: &Setup,
        store: &Path,
        before: impl FnOnce(&Etcd) -> Result<(), String>,
    ) -> Result<Self, String> {
        // One that was killed could not remove it.
        drop(fs::remove_dir_all(&setup.run));
        fs::create_dir_all(&setup.run).map_err(|error| error.to_string())?;
        let etcd = Etcd::start(&setup.programs, store, &setup.run)?;
        before(&etcd)?;
        let server = Server::start(&setup.programs, &etcd, &setup.run)?;
        Ok(Self { server, etcd, run: setup.run.clone() })
    }

    /// The file that tells clients where it is.
    pub fn kubeconfig(&self) -> PathBuf {
        self.server.kubeconfig()
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.server.end();
        self.etcd.end();
        drop(fs::remove_dir_all(&self.run));
    }
}
