//! Generated from `wit/lab-plugin.wit`; only the engine names these types.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::pedantic,
    clippy::allow_attributes,
    reason = "generated; which of them fire depends on the generator's version"
)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "lab:plugin/host",
    imports: {
        "lab:plugin/cluster": async | trappable,
        "lab:plugin/hosts": async | trappable,
        "lab:plugin/inbox": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "lab:plugin/card.card": crate::interface::card::CardHandle,
        "lab:plugin/card.command": crate::interface::card::CommandHandle,
        "lab:plugin/card.argument": crate::interface::card::ArgumentHandle,
        "lab:plugin/output.columns": crate::interface::output::ColumnsHandle,
        "lab:plugin/output.table": crate::interface::output::TableHandle,
        "lab:plugin/output.finding": crate::interface::output::FindingHandle,
        "lab:plugin/output.progress": crate::interface::output::ProgressHandle,
        "lab:plugin/inbox.ticker": crate::inbox::Ticker,
        "lab:plugin/cluster.selection": crate::interface::cluster::SelectionHandle,
        "lab:plugin/cluster.watch": crate::inbox::Watch,
        "lab:plugin/hosts.place": crate::interface::hosts::PlaceHandle,
        "lab:plugin/hosts.batch": crate::interface::hosts::BatchHandle,
        "lab:plugin/hosts.process": crate::timeline::Process,
    },
});
