//! Whoever sends deliveries that are not Clerk's, again and again, is not listened to for a while.
//!
//! A refused delivery costs the reading of a body and a signature's check. The bucket of an address is emptied by refusals
//! alone: what is genuine never fills a log or shuts anybody out. While an address is shut out its requests are answered
//! before their body is read, genuine ones included, so an address must be one sender's: a proxy's is not. Unless it is known
//! how many proxies stand in front, addresses that only proxies have (loopback, private networks) are nobody's.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;

/// How long an address is not listened to.
const SHUT_OUT: Duration = Duration::from_secs(60);
/// When so many addresses are remembered, those that have behaved meanwhile are forgotten.
const MANY: usize = 10_000;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Who is at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub(crate) IpAddr);

/// One sender: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stranger(IpAddr);

/// Who has sent too much that was refused.
#[derive(Debug)]
pub(crate) struct Strangers {
    refusals: Option<DefaultKeyedRateLimiter<Stranger>>,
    trusted_proxies: usize,
    shut_out: Mutex<HashMap<Stranger, Instant>>,
}

impl Strangers {
    /// With so many refusals an address may cause in a minute; without a limit nobody is ever shut out.
    pub(crate) fn new(per_minute: Option<NonZeroU32>, trusted_proxies: usize) -> Self {
        let refusals = per_minute.map(|per_minute| RateLimiter::keyed(Quota::per_minute(per_minute)));
        Self { refusals, trusted_proxies, shut_out: Mutex::default() }
    }

    /// Who sends this; none when that cannot be told from other senders.
    pub(crate) fn who(&self, peer: Option<&Peer>, headers: &HeaderMap) -> Option<Stranger> {
        let Peer(peer) = *peer?;
        if self.trusted_proxies > 0 {
            return Some(stranger(forwarded(headers, self.trusted_proxies).unwrap_or(peer)));
        }
        let Stranger(address) = stranger(peer);
        (!is_a_proxys(address)).then_some(Stranger(address))
    }

    /// How long this sender is still not listened to.
    pub(crate) fn shut_out_for(&self, stranger: Stranger) -> Option<Duration> {
        let until = *self.shut_out.lock().get(&stranger)?;
        until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// Counts a refusal.
    pub(crate) fn refused(&self, stranger: Stranger) {
        let Some(refusals) = &self.refusals else { return };
        if refusals.len() > MANY {
            refusals.retain_recent();
        }
        if refusals.check_key(&stranger).is_ok() {
            return;
        }
        let now = Instant::now();
        let mut shut_out = self.shut_out.lock();
        if shut_out.len() > MANY {
            shut_out.retain(|_, until| *until > now);
        }
        shut_out.insert(stranger, now + SHUT_OUT);
    }
}

/// The address that the outermost of our proxies saw: the last but `proxies - 1` of the list. What stands before it was written by
/// the sender.
fn forwarded(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    let lines = headers.get_all(FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok());
    let addresses: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    addresses.len().checked_sub(proxies).and_then(|position| addresses[position].parse().ok())
}

fn stranger(address: IpAddr) -> Stranger {
    Stranger(match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    })
}

fn is_a_proxys(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        // Of the loopback address ::1 the network alone is left.
        IpAddr::V6(address) => address.is_unspecified() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(forwarded_for: &[&str]) -> HeaderMap {
        forwarded_for.iter().map(|line| (FORWARDED_FOR.parse().unwrap(), line.parse().unwrap())).collect()
    }

    fn who(proxies: usize, peer: &str, forwarded_for: &[&str]) -> Option<String> {
        let peer = Peer(peer.parse().unwrap());
        let found = Strangers::new(None, proxies).who(Some(&peer), &headers(forwarded_for));
        found.map(|Stranger(address)| address.to_string())
    }

    #[test]
    fn a_sender_is_known_by_its_address() {
        assert_eq!(who(0, "203.0.113.9", &[]).as_deref(), Some("203.0.113.9"));
        assert_eq!(who(0, "::ffff:203.0.113.9", &[]).as_deref(), Some("203.0.113.9"));
        assert_eq!(who(0, "2001:db8:1:2:3:4:5:6", &[]).as_deref(), Some("2001:db8:1:2::"));
        assert_eq!(Strangers::new(None, 0).who(None, &HeaderMap::new()), None);
    }

    #[test]
    fn a_proxy_is_nobody_in_particular() {
        for proxy in ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.20.0.1", "::1", "fd00::1", "fe80::1"] {
            assert_eq!(who(0, proxy, &["203.0.113.9"]), None, "{proxy}");
        }
        // Without proxies of ours, the header is the sender's own word.
        assert_eq!(who(0, "203.0.113.9", &["198.51.100.1"]).as_deref(), Some("203.0.113.9"));
    }

    #[test]
    fn proxies_of_ours_are_believed_and_the_sender_is_not() {
        assert_eq!(who(1, "127.0.0.1", &["6.6.6.6, 203.0.113.9"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(who(2, "10.0.0.1", &["6.6.6.6, 203.0.113.9", "10.0.0.2"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(who(2, "10.0.0.1", &["203.0.113.9"]).as_deref(), Some("10.0.0.1"));
        assert_eq!(who(1, "10.0.0.1", &["nonsense"]).as_deref(), Some("10.0.0.1"));
    }

    #[test]
    fn who_is_refused_too_often_is_shut_out_alone() {
        let strangers = Strangers::new(NonZeroU32::new(3), 0);
        let (bad, good) = (stranger("203.0.113.9".parse().unwrap()), stranger("203.0.113.10".parse().unwrap()));
        for _ in 0..3 {
            strangers.refused(bad);
            assert_eq!(strangers.shut_out_for(bad), None);
        }
        strangers.refused(bad);
        assert!(strangers.shut_out_for(bad).unwrap() > SHUT_OUT / 2);
        assert_eq!(strangers.shut_out_for(good), None);
    }

    #[test]
    fn without_a_limit_nobody_is() {
        let strangers = Strangers::new(None, 0);
        let stranger = stranger("203.0.113.9".parse().unwrap());
        (0..1000).for_each(|_| strangers.refused(stranger));
        assert_eq!(strangers.shut_out_for(stranger), None);
    }
}
