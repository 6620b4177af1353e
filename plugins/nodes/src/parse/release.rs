//! `uname -a` and `/etc/os-release`: what an extra host says of its kernel and system.
//!
//! Nodes are not asked: their kubelets report both, and where a command runs in an agent's
//! container the file would be that of its image.

/// The kernel's release: the third word of `uname -a`.
pub fn parse_kernel(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    words.next().filter(|system| system.starts_with(|c: char| c.is_ascii_alphabetic()))?;
    words.nth(1).map(str::to_owned)
}

/// `PRETTY_NAME`, or `NAME` with `VERSION_ID`, of `/etc/os-release`.
///
/// - Shape: `KEY=value` on a line, the value bare or in single or double quotes.
/// - Source: os-release(5).
pub fn parse_os(text: &str) -> Option<String> {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        let line = line.trim();
        let inner = line.strip_prefix('"').and_then(|line| line.strip_suffix('"'));
        let inner = inner.or_else(|| line.strip_prefix('\'')?.strip_suffix('\''));
        Some(inner.unwrap_or(line).to_owned()).filter(|value| !value.is_empty())
    };
    value("PRETTY_NAME").or_else(|| match (value("NAME")?, value("VERSION_ID")) {
        (name, Some(version)) => Some(format!("{name} {version}")),
        (name, None) => Some(name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_the_third_word() {
        let line = "Linux router 6.18.44-fc-v595 #1 SMP PREEMPT_DYNAMIC @0 x86_64 GNU/Linux\n";
        assert_eq!(parse_kernel(line).as_deref(), Some("6.18.44-fc-v595"));
        assert_eq!(parse_kernel("Linux router"), None);
        assert_eq!(parse_kernel(""), None);
        assert_eq!(parse_kernel("404 not found"), None);
    }

    #[test]
    fn the_system_is_its_pretty_name() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\n";
        assert_eq!(parse_os(debian).as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
        assert_eq!(parse_os("NAME='VyOS'\nVERSION_ID=1.4\n").as_deref(), Some("VyOS 1.4"));
        assert_eq!(parse_os("PRETTY_NAME=\"\"\nNAME=OpenWrt\n").as_deref(), Some("OpenWrt"));
        assert_eq!(parse_os("cat: not found"), None);
    }
}
