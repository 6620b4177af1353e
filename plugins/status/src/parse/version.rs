//! Versions of Cilium's programs, as numbers that can be compared.

/// Major, minor and patch of `1.18.0`, `v1.18.0-rc.1` or `1.19.0-dev`; a missing patch counts as 0.
pub fn numbers(text: &str) -> Option<(u32, u32, u32)> {
    let plain = text.trim().strip_prefix('v').unwrap_or(text.trim());
    let end = plain.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(plain.len());
    let mut parts = plain[..end].trim_end_matches('.').split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.parse().ok()?;
    let patch = parts.next().map_or(Some(0), |patch| patch.parse().ok())?;
    Some((major, minor, patch))
}

/// The tag of an image as a version: `1.18.0` of `quay.io/cilium/cilium:v1.18.0@sha256:…`.
pub fn of_image(image: &str) -> Option<String> {
    let named = image.split_once('@').map_or(image, |(named, _)| named);
    let (_, tag) = named.rsplit_once(':')?;
    let version = tag.strip_prefix('v').unwrap_or(tag);
    let is_tag = version.starts_with(|first: char| first.is_ascii_digit()) && !tag.contains('/');
    is_tag.then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_every_form() {
        assert_eq!(numbers("v1.18.0-rc.1"), Some((1, 18, 0)));
        assert_eq!(numbers("1.19"), Some((1, 19, 0)));
        assert_eq!(numbers("latest"), None);
        assert_eq!(of_image("q.io:5000/cilium:v1.18.0@sha256:ab").as_deref(), Some("1.18.0"));
        assert_eq!(of_image("q.io:5000/cilium"), None);
        assert_eq!(of_image("cilium:latest"), None);
    }
}
