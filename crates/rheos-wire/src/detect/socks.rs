//! SOCKS 4 (and 4A) and SOCKS 5 (RFC 1928).

use super::{Look, Said};

/// Both sides must agree: one side's few bytes prove little.
pub fn socks(said: &Said<'_>) -> Look {
    match said.client {
        [] => match said.server {
            [] => Look::More,
            _ => Look::No,
        },
        [4, ..] => version_4(said),
        [5, ..] => version_5(said),
        _ => Look::No,
    }
}

/// A command, a port that is not 0, an address, a user's name that ends with 0.
fn version_4(said: &Said<'_>) -> Look {
    let ends = said.client.get(8..).is_some_and(|rest| rest.contains(&0));
    match said.client {
        [4, 1 | 2, 0, 0, ..] => return Look::No,
        [4, 1 | 2, ..] | [4] => {}
        _ => return Look::No,
    }
    match said.server {
        [0, 0x5a..=0x5d, ..] if ends => Look::sure("socks.version_4"),
        [] | [0] => {
            let open = said.client.len() < 300;
            if open { Look::More } else { Look::No }
        }
        _ => Look::No,
    }
}

/// A list of methods, of which the server chooses one, or none.
fn version_5(said: &Said<'_>) -> Look {
    let methods = said.client.get(1).copied();
    let Some(count) = methods else { return Look::More };
    if count == 0 {
        return Look::No;
    }
    let Some(offered) = said.client.get(2..2 + usize::from(count)) else { return Look::More };
    // Assigned ones are below 0x0a; 0x80 and more are private.
    if offered.iter().any(|method| (0x0a..0x80).contains(method)) {
        return Look::No;
    }
    match said.server {
        [5, method, ..] if offered.contains(method) || *method == 0xff => {
            Look::sure("socks.version_5")
        }
        [] | [5] if said.client.len() <= 2 + usize::from(count) => Look::More,
        _ => Look::No,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{rule, said};
    use super::*;

    #[test]
    fn both_versions_need_both_sides() {
        let client = [4, 1, 0, 80, 10, 0, 0, 1, b'j', 0];
        assert_eq!(rule(socks(&said(&client, b""))), "more");
        assert_eq!(rule(socks(&said(&client, &[0, 0x5a, 0, 0]))), "socks.version_4");
        assert_eq!(rule(socks(&said(&client, &[1]))), "no");
        assert_eq!(rule(socks(&said(&[5, 2, 0, 2], b""))), "more");
        assert_eq!(rule(socks(&said(&[5, 2, 0, 2], &[5, 2]))), "socks.version_5");
        assert_eq!(rule(socks(&said(&[5, 2, 0, 2], &[5, 1]))), "no");
        assert_eq!(rule(socks(&said(&[5, 2, 0, 0x70], &[5, 0]))), "no");
        assert_eq!(rule(socks(&said(&[5, 0], &[5, 0]))), "no");
    }
}
