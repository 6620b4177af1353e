//! The outputs of one agent's bugtool, unpacked or not.

use std::sync::OnceLock;

use super::body;
use super::commands;
use super::layout::Found;
use super::packed::Packed;
use crate::Answer;
use crate::Outcome;
use crate::files::Files;

/// One bugtool folder or archive.
#[derive(Debug)]
pub(super) struct Bugtool {
    found: Found,
    packed: OnceLock<Answer<Packed>>,
}

impl Bugtool {
    pub(super) fn new(found: Found) -> Self {
        Self { found, packed: OnceLock::new() }
    }

    /// The pod whose container ran it.
    pub(super) fn pod(&self) -> &str {
        &self.found.pod
    }

    /// The output of a command; the inner error is why it is not there.
    pub(super) fn run(&self, files: &Files, argv: &[String]) -> Answer<Result<Outcome, String>> {
        if commands::asks_all_tables(argv) {
            return self.all_tables(files);
        }
        for name in commands::files(argv) {
            if let Some(bytes) = self.read(files, &name)? {
                return Ok(body::read(&bytes, argv));
            }
        }
        // Tables are found by their numbers in `ip route show table all`, so that one without
        // a file, where others were looked for, has no routes.
        if commands::numbered_table(argv).is_some() && self.has_tables(files)? {
            return Ok(Ok(Outcome::default()));
        }
        let fault = self.packed(files)?.and_then(|(_, packed)| packed.fault.as_ref());
        Ok(Err(fault.map(|fault| format!("its archive is damaged: {fault}")).unwrap_or_default()))
    }

    /// The IPv4 tables together: main, and those that have a number, as `ip` prints them in one
    /// list. The table local is in no sysdump.
    fn all_tables(&self, files: &Files) -> Answer<Result<Outcome, String>> {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let mut all = match self.run(files, &words("ip -4 r"))? {
            Ok(main) if main.code == 0 => main.out,
            Ok(main) => return Ok(Ok(main)),
            Err(why) => return Ok(Err(why)),
        };
        for number in self.table_numbers(files)? {
            let argv = words(&format!("ip -4 route show table {number}"));
            match self.run(files, &argv)? {
                Ok(table) if table.code == 0 => add_table(&mut all, &table.out, number),
                // A table that could not be read is not an empty one.
                Ok(failed) => return Ok(Ok(Outcome { out: all, ..failed })),
                Err(why) => return Ok(Err(format!("table {number}: {why}"))),
            }
        }
        Ok(Ok(Outcome { out: all, ..Outcome::default() }))
    }

    fn table_numbers(&self, files: &Files) -> Answer<Vec<u32>> {
        let number = |name: &str| {
            let stem = name.strip_prefix(commands::TABLES)?.strip_prefix("table-")?;
            stem.split('.').next()?.parse().ok()
        };
        let mut numbers: Vec<u32> =
            self.found.files.keys().filter_map(|name| number(name)).collect();
        if let Some((_, packed)) = self.packed(files)? {
            numbers.extend(packed.names().filter_map(number));
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    /// One file of `cmd/`.
    pub(super) fn read(&self, files: &Files, name: &str) -> Answer<Option<Vec<u8>>> {
        if let Some(path) = self.found.files.get(name) {
            return files.read(path);
        }
        match self.packed(files)? {
            Some((archive, packed)) => packed.read(files, archive, name),
            None => Ok(None),
        }
    }

    fn has_tables(&self, files: &Files) -> Answer<bool> {
        let is_table = |name: &str| name.starts_with(commands::TABLES);
        if self.found.files.keys().any(|name| is_table(name)) {
            return Ok(true);
        }
        let packed = self.packed(files)?;
        // Of a damaged archive nobody knows what was in the rest.
        Ok(packed.is_some_and(|(_, packed)| packed.fault.is_none() && packed.names().any(is_table)))
    }

    fn packed(&self, files: &Files) -> Answer<Option<(&str, &Packed)>> {
        let Some(archive) = &self.found.packed else { return Ok(None) };
        let packed = self.packed.get_or_init(|| Packed::open(files, archive));
        packed.as_ref().map(|packed| Some((archive.as_str(), packed))).map_err(Clone::clone)
    }
}

/// Adds the routes of one table, each with the table's number, to the list of all.
fn add_table(all: &mut Vec<u8>, table: &[u8], number: u32) {
    if !all.is_empty() && !all.ends_with(b"\n") {
        all.push(b'\n');
    }
    for line in table.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        all.extend_from_slice(line.trim_ascii_end());
        // The next hops of a route stand on lines of their own.
        if !line.starts_with(b"\t") && !line.starts_with(b" ") {
            all.extend_from_slice(format!(" table {number}").as_bytes());
        }
        all.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::add_table;

    #[test]
    fn every_route_of_a_table_says_its_number() {
        let mut all = b"default via 10.0.0.1 dev eth0".to_vec();
        add_table(&mut all, b"local default dev lo proto kernel scope host \n", 2004);
        add_table(&mut all, b"default\n\tnexthop via 10.0.0.1 dev a\n", 5);
        assert_eq!(
            String::from_utf8(all).unwrap(),
            "default via 10.0.0.1 dev eth0\n\
             local default dev lo proto kernel scope host table 2004\n\
             default table 5\n\tnexthop via 10.0.0.1 dev a\n"
        );
    }
}
