//! Reads the objects of one file, YAML or JSON, a list or one object, and keeps of each only
//! what was asked for.

use std::io::Read;

use super::ahead::ahead;
use crate::Answer;
use crate::Projection;
use crate::files::Files;
use crate::files::json_fault;
use crate::files::path::ends_in;
use crate::objects::Objects;
use crate::yaml;
use crate::yaml::Keep;
use crate::yaml::Part;

/// Bytes above which a second thread is worth its start.
const LONG: u64 = 1 << 20;

/// Adds the objects of a file; false when there is no such file.
pub(super) fn load(
    files: &Files,
    name: &str,
    paths: &[String],
    into: &mut Objects,
) -> Answer<bool> {
    let projection = Projection::new(paths);
    if ends_in(name, "json") {
        let Some(text) = files.read_text(name)? else { return Ok(false) };
        let objects = Objects::parse(text).map_err(|error| files.malformed(name, &error))?;
        objects.all().for_each(|object| into.push(&projection.apply(object)));
        return Ok(true);
    }
    let keep = Keep::Object(projection.tree());
    let limit = files.limits.object_bytes;
    let mut read = |reader: &mut dyn Read| {
        yaml::read(reader, limit, &mut |part| match part {
            Part::Item(_) => {
                into.push(&yaml::to_json(&part, keep)?);
                Ok(())
            }
            // One object, or a list that is not written line by line.
            Part::Document(_) => {
                let json = yaml::to_json(&part, Keep::Object(None))?;
                let objects = Objects::parse(json).map_err(|error| json_fault(&error))?;
                objects.all().for_each(|object| into.push(&projection.apply(object)));
                Ok(())
            }
        })
    };
    let is_long = files.size(name).is_some_and(|size| size > LONG);
    let found =
        files.stream(name, |reader| if is_long { ahead(reader, read) } else { read(reader) })?;
    Ok(found.is_some())
}
