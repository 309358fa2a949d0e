//! Networks of proxies that are believed.
//! May import: `scalar`.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use schemars::{Schema, json_schema};

use super::scalar::{Problem, Scalar};

impl Scalar for IpNet {
    const CODE: &'static str = "network";

    fn parse(text: &str) -> Result<Self, Problem> {
        let address = || text.parse::<IpAddr>().map(Self::from).ok();
        let parsed = text.parse::<Self>().ok().or_else(address).ok_or_else(|| {
            Problem::new(
                "is not a network",
                "write an IP address or a network in CIDR notation: `10.0.0.0/8`, `2001:db8::/32`",
            )
        })?;
        if parsed.network() != parsed.addr() {
            let help = "the bits after the prefix are zero, as in `10.0.0.0/8`";
            return Err(Problem::new("names an address within a network", help));
        }
        Ok(canonical(parsed))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"] })
    }
}

/// IPv4 peers are looked for by their own addresses, however a listener shows them: a network of
/// addresses mapped to IPv6 (RFC 4291, section 2.5.5.2) would never have one in it.
fn canonical(network: IpNet) -> IpNet {
    let mapped = match network {
        IpNet::V6(mapped) => mapped.addr().to_ipv4_mapped().zip(mapped.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    let own = mapped.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok());
    own.map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::{super::scalar::testing::assert_parses, *};

    #[test]
    fn networks_are_named_by_their_first_address() {
        let network = |text: &str| text.parse::<IpNet>().unwrap();
        assert_parses(
            &[
                ("10.0.0.0/8", network("10.0.0.0/8")),
                ("192.0.2.1", network("192.0.2.1/32")),
                ("::1", network("::1/128")),
                ("::/0", network("::/0")),
                ("::ffff:10.1.0.5", network("10.1.0.5/32")),
                ("::ffff:10.1.0.0/112", network("10.1.0.0/16")),
                ("::ffff:0:0/96", network("0.0.0.0/0")),
            ],
            &["", "10.0.0.1/8", "10.0.0.0/33", "proxy", "*"],
        );
    }
}
