//! What a native program would do with the same route files: read them into structs.
//!
//! Three ways, because "the same structs" can be read in three ways: the fields of a route as
//! owned strings, the way one would write it on an afternoon; the very structs of `lab-model`,
//! filled from what serde reads; and `lab-model`'s own parser. All keep every route of every
//! file, as a program that judges them would have to.

use std::fmt::Write as _;
use std::io::Read;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::Path;

use lab_model::Prefix;
use lab_model::iproute2::{
    DeviceName, Protocol, Route, RouteFlags, RouteType, RouterPreference, Scope, TableId,
    parse_routes, parse_routes_text,
};
use serde::Deserialize;

use crate::generate::NEEDED;

/// One route as the text has it.
#[derive(Clone, Debug, Deserialize)]
pub struct Strings {
    /// Destination: `default`, an address or a prefix.
    pub dst: String,
    /// What it does, `unicast` when absent.
    #[serde(rename = "type")]
    pub route_type: Option<String>,
    /// Next hop.
    pub gateway: Option<String>,
    /// Device.
    pub dev: Option<String>,
    /// Table, `main` when absent.
    pub table: Option<String>,
    /// Who installed it.
    pub protocol: Option<String>,
    /// How far away the destination is.
    pub scope: Option<String>,
    /// Source address.
    pub prefsrc: Option<String>,
    /// Priority.
    pub metric: Option<u32>,
    /// State of the leg and of the route.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Router preference, of IPv6 only.
    pub pref: Option<String>,
    /// MTU and the like.
    #[serde(default)]
    pub metrics: Vec<Metric>,
}

/// One metric of a route.
#[derive(Clone, Debug, Deserialize)]
pub struct Metric {
    /// Path MTU in bytes.
    pub mtu: Option<u32>,
}

/// Inflates the files of a sysdump that `routes` needs, on one thread; the answer is their bytes.
pub fn inflate(zip: &str) -> Result<usize, String> {
    let mut all = 0;
    needed(zip, |_, file| {
        let bytes = std::io::copy(file, &mut std::io::sink()).map_err(|error| error.to_string())?;
        all += usize::try_from(bytes).unwrap_or(usize::MAX);
        Ok(())
    })?;
    Ok(all)
}

/// The same, and each route of the tables among them read and written as a line, unjudged and in
/// columns of fixed width: what no program that shows these routes can leave out. The answer is
/// how many.
pub fn lines(zip: &str, out: &mut impl std::io::Write) -> Result<usize, String> {
    let (mut n_routes, mut text, mut line) = (0, Vec::new(), String::new());
    needed(zip, |name, file| {
        text.clear();
        file.read_to_end(&mut text).map_err(|error| error.to_string())?;
        if !name.ends_with("/cmd/ip--4-r.md") {
            return Ok(());
        }
        let host = name.rsplit('/').nth(2).unwrap_or_default();
        let text = std::str::from_utf8(&text).map_err(|error| error.to_string())?;
        let (routes, _) = parse_routes_text(text);
        n_routes += routes.len();
        line.clear();
        for route in routes {
            let gateway = route.gateway.map(|gateway| gateway.to_string()).unwrap_or_default();
            let device = route.device.map(|device| device.to_string()).unwrap_or_default();
            let _infallible = writeln!(
                line,
                "{host:<40} {:<20} {gateway:<16} {device:<16} {:<8} {}",
                route.dst.to_string(),
                route.protocol.to_string(),
                route.table
            );
        }
        out.write_all(line.as_bytes()).map_err(|error| error.to_string())
    })?;
    Ok(n_routes)
}

/// Hands over the files that `routes` needs, one after the other.
fn needed(
    zip: &str,
    mut each: impl FnMut(&str, &mut dyn Read) -> Result<(), String>,
) -> Result<(), String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{zip}: {error}");
    let file = std::fs::File::open(zip).map_err(|error| wrong(&error))?;
    let mut archive =
        zip::ZipArchive::new(std::io::BufReader::new(file)).map_err(|error| wrong(&error))?;
    let names: Vec<String> = archive
        .file_names()
        .filter_map(|name| Some(name.ok()?.into_owned()))
        .filter(|name| NEEDED.iter().any(|part| name.contains(part)))
        .collect();
    if names.is_empty() {
        return Err(wrong(&"there is nothing in it that is needed"));
    }
    for name in names {
        let mut file = archive.by_name(&name).map_err(|error| wrong(&error))?;
        each(&name, &mut file).map_err(|error| wrong(&error))?;
    }
    Ok(())
}

/// Reads every file with serde, fields as owned strings; the answer is how many routes.
pub fn strings(files: &[String]) -> Result<usize, String> {
    let all = each(files, |bytes| {
        serde_json::from_slice::<Vec<Strings>>(bytes).map_err(|error| error.to_string())
    })?;
    Ok(keep(all))
}

/// Reads every file with serde and turns each route into that of `lab-model`.
pub fn typed(files: &[String]) -> Result<usize, String> {
    let all = each(files, |bytes| {
        let read: Vec<Strings> =
            serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        read.iter().map(route).collect::<Result<Vec<Route>, String>>()
    })?;
    Ok(keep(all))
}

/// Reads every file with the parser of `lab-model`.
pub fn model(files: &[String]) -> Result<usize, String> {
    let all = each(files, |bytes| {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let (routes, problems) = parse_routes(text);
        problems.first().map_or(Ok(routes), |problem| Err(format!("{problem:?}")))
    })?;
    Ok(keep(all))
}

fn each<T>(
    files: &[String],
    read: impl Fn(&[u8]) -> Result<Vec<T>, String>,
) -> Result<Vec<Vec<T>>, String> {
    let one = |file: &String| {
        let bytes = std::fs::read(Path::new(file)).map_err(|error| error.to_string());
        bytes.and_then(|bytes| read(&bytes)).map_err(|why| format!("{file}: {why}"))
    };
    files.iter().map(one).collect()
}

/// Counts, and leaves the freeing to the end of the process: a peer should not pay for that.
fn keep<T>(all: Vec<Vec<T>>) -> usize {
    let n_routes = std::hint::black_box(&all).iter().map(Vec::len).sum();
    std::mem::forget(all);
    n_routes
}

/// The same record out of the text's fields.
fn route(from: &Strings) -> Result<Route, String> {
    let address = |text: &Option<String>| -> Result<Option<IpAddr>, String> {
        text.as_deref().map(|text| text.parse().map_err(|_| format!("{text:?}"))).transpose()
    };
    let is_v6 = from.pref.is_some();
    let dst = match from.dst.as_str() {
        "default" if is_v6 => Prefix::DEFAULT_V6,
        "default" => Prefix::DEFAULT_V4,
        dst => Prefix::parse(dst).ok_or_else(|| format!("{dst:?}"))?,
    };
    let mut route = Route::to(dst);
    route.gateway = address(&from.gateway)?;
    route.prefsrc = address(&from.prefsrc)?;
    route.device = from.dev.as_deref().and_then(DeviceName::new);
    if let Some(table) = &from.table {
        route.table = TableId::parse(table);
    }
    if let Some(protocol) = &from.protocol {
        route.protocol = Protocol::parse(protocol);
    }
    route.scope = from.scope.as_deref().and_then(Scope::parse).unwrap_or_default();
    route.route_type = from.route_type.as_deref().and_then(RouteType::parse).unwrap_or_default();
    route.metric = from.metric.unwrap_or_default();
    route.mtu = from.metrics.iter().find_map(|metric| metric.mtu).and_then(NonZeroU32::new);
    for flag in &from.flags {
        route.flags = route.flags.with(RouteFlags::parse(flag).unwrap_or_default());
    }
    route.pref = from.pref.as_deref().and_then(RouterPreference::parse);
    Ok(route)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_and_our_parser_make_the_same_routes() {
        let text = concat!(
            r#"[{"dst":"default","gateway":"10.0.2.2","dev":"eth0","flags":[]},"#,
            r#"{"dst":"172.20.1.0/24","gateway":"172.20.0.254","dev":"cilium_host","protocol":"kernel","prefsrc":"172.20.0.254","flags":["onlink"],"metrics":[{"mtu":1450}]},"#,
            r#"{"type":"local","dst":"127.0.0.1","dev":"lo","table":"local","protocol":"kernel","scope":"host","prefsrc":"127.0.0.1","flags":[]},"#,
            r#"{"dst":"fe80::/64","dev":"eth0","protocol":"kernel","metric":256,"flags":[],"pref":"medium"}]"#,
        );
        let read: Vec<Strings> = serde_json::from_str(text).unwrap();
        let ours: Result<Vec<Route>, String> = read.iter().map(route).collect();
        assert_eq!(ours, Ok(parse_routes(text).0));
    }
}
