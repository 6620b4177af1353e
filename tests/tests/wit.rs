//! The interface of plugins: it parses, and it only grows in the ways of `wit/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use wit_parser::{Handle, Resolve, Type, TypeDefKind, TypeId, TypeOwner, WorldItem, WorldKey};

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")
}

fn interface() -> String {
    fs::read_to_string(wit().join("lab-plugin.wit")).expect("the interface is there")
}

/// What plugins were built against: a text for each type and function, and the exports.
struct Shape {
    /// `hosts: type outcome` → `record {code: s32, …}`
    items: BTreeMap<String, String>,
    /// `routes-world: command`
    exports: BTreeSet<String>,
    /// Interfaces that plugins implement.
    exported: BTreeSet<String>,
}

fn shape(text: &str) -> Shape {
    let mut resolve = Resolve::default();
    resolve.push_source("lab-plugin.wit", text).expect("the interface parses");
    let mut shape =
        Shape { items: BTreeMap::new(), exports: BTreeSet::new(), exported: BTreeSet::new() };
    for (_, interface) in &resolve.interfaces {
        let name = interface.name.clone().unwrap_or_default();
        for (id, of) in &interface.types {
            shape.items.insert(format!("{name}: type {id}"), definition(&resolve, *of));
        }
        for (id, function) in &interface.functions {
            let params: Vec<String> = function
                .params
                .iter()
                .map(|param| format!("{}: {}", param.name, type_text(&resolve, param.ty)))
                .collect();
            let result = function.result.map(|of| type_text(&resolve, of)).unwrap_or_default();
            let text = format!("func({}) -> {result}", params.join(", "));
            shape.items.insert(format!("{name}: {id}"), text);
        }
    }
    for (_, world) in &resolve.worlds {
        for (key, item) in &world.exports {
            let name = match (key, item) {
                (WorldKey::Interface(id), _) => {
                    resolve.interfaces[*id].name.clone().unwrap_or_default()
                }
                (WorldKey::Name(name), WorldItem::Interface { .. } | WorldItem::Function(_)) => {
                    name.clone()
                }
                (WorldKey::Name(_), WorldItem::Type { .. }) => continue,
            };
            shape.exports.insert(format!("{}: {name}", world.name));
            shape.exported.insert(name);
        }
    }
    shape
}

fn definition(resolve: &Resolve, id: TypeId) -> String {
    let text = |of: Type| type_text(resolve, of);
    let optional = |of: Option<Type>| of.map(text).unwrap_or_default();
    match &resolve.types[id].kind {
        TypeDefKind::Record(record) => {
            let fields = record.fields.iter().map(|it| format!("{}: {}", it.name, text(it.ty)));
            format!("record {{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        TypeDefKind::Variant(variant) => {
            let cases = variant.cases.iter().map(|it| format!("{}({})", it.name, optional(it.ty)));
            format!("variant {{{}}}", cases.collect::<Vec<_>>().join(", "))
        }
        TypeDefKind::Enum(of) => {
            let cases: Vec<&str> = of.cases.iter().map(|case| case.name.as_str()).collect();
            format!("enum {{{}}}", cases.join(", "))
        }
        TypeDefKind::Handle(Handle::Own(of)) => text(Type::Id(*of)),
        TypeDefKind::Handle(Handle::Borrow(of)) => format!("borrow<{}>", text(Type::Id(*of))),
        TypeDefKind::Tuple(tuple) => {
            let types: Vec<String> = tuple.types.iter().map(|of| text(*of)).collect();
            format!("tuple<{}>", types.join(", "))
        }
        TypeDefKind::Option(of) => format!("option<{}>", text(*of)),
        TypeDefKind::Result(of) => format!("result<{}, {}>", optional(of.ok), optional(of.err)),
        TypeDefKind::List(of) => format!("list<{}>", text(*of)),
        TypeDefKind::Type(of) => text(*of),
        other => other.as_str().to_owned(),
    }
}

fn type_text(resolve: &Resolve, of: Type) -> String {
    let Type::Id(id) = of else { return format!("{of:?}") };
    match (&resolve.types[id].name, &resolve.types[id].owner) {
        (Some(name), TypeOwner::Interface(owner)) => {
            format!("{}.{name}", resolve.interfaces[*owner].name.clone().unwrap_or_default())
        }
        _ => definition(resolve, id),
    }
}

/// What would break a plugin that was built against the old interface.
fn breaks(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (shape(old), shape(new));
    let mut broken = Vec::new();
    for (item, text) in &old.items {
        match new.items.get(item) {
            None => broken.push(format!("{item} is gone")),
            Some(now) if now != text => broken.push(format!("{item} was {text}, is {now}")),
            Some(_) => {}
        }
    }
    for item in new.items.keys().filter(|item| !old.items.contains_key(*item)) {
        let interface = item.split(':').next().unwrap_or_default();
        if old.exported.contains(interface) {
            broken.push(format!("{item} is new, and plugins would have to implement it"));
        }
    }
    let worlds: BTreeSet<&str> =
        old.exports.iter().filter_map(|export| export.split(':').next()).collect();
    for export in new.exports.difference(&old.exports) {
        if worlds.contains(export.split(':').next().unwrap_or_default()) {
            broken.push(format!("{export} is a new export of an old world"));
        }
    }
    broken
}

#[test]
fn the_interface_breaks_no_plugin_of_the_last_release() {
    let rule = fs::read_to_string(wit().join("README.md")).unwrap();
    for words in ["How it grows", "never: it breaks built plugins", "`released/`"] {
        assert!(rule.contains(words), "wit/README.md has no rule: `{words}` is missing");
    }
    let now = interface();
    let mut compared = 0;
    for entry in fs::read_dir(wit().join("released")).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|end| end == "wit") {
            let broken = breaks(&fs::read_to_string(&path).unwrap(), &now);
            assert!(broken.is_empty(), "against {}:\n{}", path.display(), broken.join("\n"));
            compared += 1;
        }
    }
    if compared == 0 {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(version, "0.1.0", "a release went out, and wit/released is empty");
        #[expect(clippy::print_stderr, reason = "a test that compares nothing says so")]
        {
            eprintln!("wit/released is empty until the first release: nothing to compare with");
        }
    }
}

#[test]
fn growth_is_allowed_and_changes_are_not() {
    let now = interface();
    let changed = |from: &str, to: &str| {
        assert!(now.contains(from), "`{from}` is not in the interface any more");
        breaks(&now, &now.replacen(from, to, 1))
    };
    assert_eq!(breaks(&now, &now), Vec::<String>::new());

    let add = "keep: func(path: string);";
    assert_eq!(changed(add, &format!("{add} hint: func();")), Vec::<String>::new());
    let world = "world host {";
    let grown = "interface more { f: func(); }\nworld host { import more;";
    assert_eq!(changed(world, grown), Vec::<String>::new());

    for (from, to, expected) in [
        ("record outcome { code: s32,", "record outcome { code: s64,", "hosts: type outcome"),
        ("truncated: bool }", "truncated: bool, ms: u64 }", "hosts: type outcome"),
        ("stopped, other(string)", "other(string)", "types: type failure"),
        ("enum level { good,", "enum level { great, good,", "output: type level"),
        ("keep: func(path: string);", "", "keep is gone"),
        ("namespace: func(name: string);", "namespace: func(name: u32);", "namespace was"),
        (
            "describe: func(card: borrow<card>);",
            "describe: func(card: borrow<card>); f: func();",
            "plugins would have to implement it",
        ),
        (
            "world base { import output;",
            "world base { export completer; import output;",
            "new export of an old world",
        ),
    ] {
        let broken = changed(from, to).join("\n");
        assert!(broken.contains(expected), "`{from}` → `{to}`: `{broken}`");
    }
}

#[test]
fn the_interface_is_written_once() {
    let mut bound = Vec::new();
    for folder in ["core", "plugins", "tests/src"] {
        for source in lab_tests::sources::below(folder) {
            if source.code.contains("bindgen!(") || source.code.contains("wit_bindgen::generate!(")
            {
                assert!(source.code.contains("path: \"../../wit\""), "{}", source.path);
                bound.push(source.path);
            }
        }
    }
    assert_eq!(bound, ["core/engine/src/bindings.rs", "plugins/sdk/src/bindings.rs"]);
}
