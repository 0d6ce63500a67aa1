//! What holds of networks' files, whatever the bytes.

use super::Definition;
use crate::network::cidr::number;

/// A network that is taken can be written and read again, and gives containers addresses of its own alone.
pub fn holds(bytes: &[u8]) {
    let Ok(network) = Definition::read(bytes) else { return };
    assert!(!network.name.contains('/') && !network.network_interface.contains('/'));
    let options = network.options().expect("options that are checked");
    assert!(options.mtu.is_none_or(|mtu| (68..=65_535).contains(&mtu)));
    for subnet in &network.subnets {
        let (first, last) = subnet.leases();
        assert!(subnet.subnet.contains(first) && subnet.subnet.contains(last) && number(&first) <= number(&last));
        assert!(subnet.gateway.is_none_or(|gateway| subnet.subnet.contains(gateway)));
    }
    let written = serde_json::to_vec(&network).expect("a network is JSON");
    let mut read = Definition::read(&written).expect("what was written can be read");
    // A time that no clock shows is another one.
    read.created = network.created;
    assert_eq!(read, network);
}
