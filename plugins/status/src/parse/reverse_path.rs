//! The kernel's `rp_filter` of each device: whether it drops packets that come another way than
//! answers to them would go.

use lab_model::Problem;

/// What a device and the kernel as a whole say; the greater of both counts.
///
/// - Units: 0 off, 1 strict, 2 loose.
/// - Source: `grep -r . /proc/sys/net/ipv4/conf --include=rp_filter`; Linux,
///   Documentation/networking/ip-sysctl.rst.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReversePath {
    /// `all`: for every device.
    pub all: u8,
    /// `default`: for devices that are made later.
    pub default: Option<u8>,
    /// Each device's own value.
    pub devices: Vec<(String, u8)>,
}

impl ReversePath {
    /// The value that counts for a device.
    pub fn in_force(&self, own: u8) -> u8 {
        self.all.max(own)
    }
}

/// Reads lines such as `/proc/sys/net/ipv4/conf/cilium_host/rp_filter:0`.
///
/// - Errors: never fails; text without the line of `all` is one [`Problem`].
pub fn parse(text: &str) -> (ReversePath, Vec<Problem>) {
    let mut values = ReversePath::default();
    let mut has_all = false;
    for line in text.lines() {
        let Some((path, value)) = line.trim().rsplit_once(':') else { continue };
        let Some(path) = path.strip_suffix("/rp_filter") else { continue };
        let (Some((_, device)), Ok(value)) = (path.rsplit_once('/'), value.trim().parse()) else {
            continue;
        };
        match device {
            "all" => {
                values.all = value;
                has_all = true;
            }
            "default" => values.default = Some(value),
            _ => values.devices.push((device.to_owned(), value)),
        }
    }
    values.devices.sort();
    if has_all {
        return (values, Vec::new());
    }
    (values, vec![Problem::new("rp_filter", text, "there is no value for `all` in it")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greater_value_counts() {
        let (values, problems) = parse(
            "/proc/sys/net/ipv4/conf/all/rp_filter:1\n/proc/sys/net/ipv4/conf/default/rp_filter:2\n\
             /proc/sys/net/ipv4/conf/eth0.10/rp_filter:0\n/proc/sys/net/ipv4/conf/a/rp_filter:x\n",
        );
        assert_eq!(problems, []);
        assert_eq!((values.all, values.default), (1, Some(2)));
        assert_eq!(values.devices, [("eth0.10".to_owned(), 0)]);
        assert_eq!((values.in_force(0), values.in_force(2)), (1, 2));
        assert_eq!(parse("grep: not found").1.len(), 1);
    }
}
