//! What Cilium's own collection of files holds answers as the cluster did.

pub(crate) fn same_answers(_: &crate::cluster::Cluster) {}
pub(crate) fn packed(_: &crate::cluster::Cluster) {}
