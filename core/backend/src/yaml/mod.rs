//! Lists of objects in YAML, handed over object by object as JSON.
//!
//! A list may be gigabytes long, so it is cut into its items while it is read, and each item
//! is converted alone. What printers of Kubernetes objects write is converted here, and what
//! was not asked for is passed over without being understood; anything else that YAML allows
//! goes through a whole parser. Nothing here knows what an object means.

mod convert;
mod cursor;
mod keep;
mod scalar;
mod split;

pub(crate) use keep::Keep;
pub(crate) use split::Part;
pub(crate) use split::read;

/// The JSON of one part, with what is kept of it; an error is one line about the YAML.
pub(crate) fn to_json(part: &Part<'_>, keep: Keep<'_>) -> Result<String, String> {
    let (text, is_item) = match part {
        Part::Item(text) => (*text, true),
        Part::Document(text) => (*text, false),
    };
    if let Some(json) = convert::convert(text, is_item, keep) {
        return Ok(json);
    }
    let value = match (is_item, parse(text)?) {
        (true, serde_json::Value::Array(mut items)) if items.len() == 1 => items.remove(0),
        (true, _) => return Err("it is not one item of a list".into()),
        (false, value) => value,
    };
    Ok(keep.apply(value))
}

/// Reads any YAML. Only `true` and `false` are booleans: printers that mean the word `no` do
/// not all put it in quotes.
fn parse(text: &str) -> Result<serde_json::Value, String> {
    let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let text = error.to_string();
        text.lines().next().unwrap_or_default().to_owned()
    })
}

#[cfg(test)]
mod tests;
