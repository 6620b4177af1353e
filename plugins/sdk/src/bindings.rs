//! Generated from `wit/lab-plugin.wit`: the only place where the interface is turned into
//! Rust. The types serve natively too; the calls exist in WebAssembly only.
#![expect(clippy::pedantic, reason = "generated")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "lab:plugin/host",
    pub_export_macro: true,
    export_macro_name: "export_component",
    additional_derives: [PartialEq],
});
