use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

/// P-256, self-signed with SHA-384, names `*.example.org`, `example.org` and 10.0.0.1.
const EC: &str = "MIIB7jCCAZSgAwIBAgIJDxI0VniQq83vMAoGCCqGSM49BAMDMDsxCzAJBgNVBAYTAlVTMRQwEgYDVQQKDAtSaGVvcywgTH\
    RkLjEWMBQGA1UEAwwNKi5leGFtcGxlLm9yZzAeFw0yNjExMjExMjAyMDlaFw0yNzAyMTkxMjAyMDlaMDsxCzAJBgNVBAYT\
    AlVTMRQwEgYDVQQKDAtSaGVvcywgTHRkLjEWMBQGA1UEAwwNKi5leGFtcGxlLm9yZzBZMBMGByqGSM49AgEGCCqGSM49Aw\
    EHA0IABIOWST5taXTS50kkEL+E9+OrUStxpH5WvdV4631gw6sEU02YLteadnjA/8tTtZQvENSuiswHCD4UyC+ijdFo42uj\
    gYAwfjAdBgNVHQ4EFgQUIliZYBOXodJ683h/s2nIb3p5Kq0wHwYDVR0jBBgwFoAUIliZYBOXodJ683h/s2nIb3p5Kq0wDw\
    YDVR0TAQH/BAUwAwEB/zArBgNVHREEJDAigg0qLmV4YW1wbGUub3JnggtleGFtcGxlLm9yZ4cECgAAATAKBggqhkjOPQQD\
    AwNIADBFAiBQCwWmGEBGGNjKgQyMeLvPFnm/dShQehviWXacIpRCsgIhAIaLm2A8HrENh/ktKfKLwo/0D4V2cYVDrSCkuB\
    9JGTlK";
/// RSA of 1024 bits, version 1, signed by the one above.
const RSA: &str = "MIIBpTCCAUsCAQUwCgYIKoZIzj0EAwIwOzELMAkGA1UEBhMCVVMxFDASBgNVBAoMC1JoZW9zLCBMdGQuMRYwFAYDVQQDDA\
    0qLmV4YW1wbGUub3JnMB4XDTI2MTEyMTEyMDIwOVoXDTM2MTExODEyMDIwOVowOzEYMBYGA1UEAwwPb2xkLmV4YW1wbGUu\
    bmV0MR8wHQYJKoZIhvcNAQkBFhByb290QGV4YW1wbGUubmV0MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCuPWH72r\
    wgg4j3BycwrLW0iFWYqQIkCIqv/8FGBXU2KNWjmEcz4huXXxuBq3svvqOi7HKlR1D07xawAX/gj/ZZ08+np303Txw0EKCn\
    iErXCJzTw4AxunK95VugbKXyq4Euucf/vPGoqpamyqT7xPHzf5NNpnfPToCMJ3GduR5fqwIDAQABMAoGCCqGSM49BAMCA0\
    gAMEUCICSOGXT+xlMGKpcM8rrMWdE4DHW9uGipWU57OCtpzY3FAiEAj7fMVSvB6mNgFBzyD9bTK5fTQ8ma0EhX441XURuL\
    OVE=";
/// Ed25519, self-signed, no authority.
const ED25519: &str = "MIIBGDCBy6ADAgECAgEBMAUGAytlcDANMQswCQYDVQQDDAJlZDAeFw0yNjExMjExMjAyMDlaFw0yNjExMjIxMjAyMDlaMA\
    0xCzAJBgNVBAMMAmVkMCowBQYDK2VwAyEA2e+6AqIM7FCY3w7PWHtxGUWIfCcxrv/16Ad7FGcQNDmjUDBOMB0GA1UdDgQW\
    BBTsktwGH6JrAgm2uboN0LA1xLCp4DAfBgNVHSMEGDAWgBTsktwGH6JrAgm2uboN0LA1xLCp4DAMBgNVHRMBAf8EAjAAMA\
    UGAytlcANBAFX/JiygLBkBhQZNDi2nIWq4LZKIKY2Y5DV8DqskhmUPFq8mWlP6xrCSQuSmA/LmbWIp782XazLo/xFMaRiS\
    fw0=";

fn der(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

// What `openssl x509 -text -nameopt RFC2253` says of them.

#[test]
fn a_self_signed_authority_on_a_curve() {
    let der = der(EC);
    let certificate = Certificate::parse(&der).unwrap();
    assert_eq!(certificate.version, 3);
    assert_eq!(
        certificate.dns_names().collect::<Vec<_>>(),
        [&b"*.example.org"[..], b"example.org"]
    );
    let facts = CertificateFacts::new(&certificate);
    let name = "CN=*.example.org,O=Rheos\\, Ltd.,C=US";
    assert_eq!((&*facts.issuer, &*facts.subject, facts.self_issued), (name, name, true));
    assert_eq!(&*facts.serial, "0f1234567890abcdef");
    assert_eq!((facts.not_before, facts.not_after), (Some(1_795_262_529), Some(1_803_038_529)));
    assert_eq!((facts.key, facts.key_bits), (KeyKind::Ec, Some(256)));
    assert_eq!(facts.signature, Some("ecdsa-with-SHA384"));
    assert_eq!((facts.alternative_name_count, facts.authority), (3, Some(true)));
    let hash: String = fingerprint(&der).iter().fold(String::new(), |t, b| format!("{t}{b:02x}"));
    assert_eq!(hash, "fe3d207fed8da36763d349be7c5c7a41a9c13cdc8da91156def7850137c792d0");
}

#[test]
fn a_signed_one_without_extensions() {
    let der = der(RSA);
    let certificate = Certificate::parse(&der).unwrap();
    assert_eq!(certificate.version, 1);
    let facts = CertificateFacts::new(&certificate);
    assert_eq!(&*facts.subject, "emailAddress=root@example.net,CN=old.example.net");
    assert_eq!(&*facts.issuer, "CN=*.example.org,O=Rheos\\, Ltd.,C=US");
    assert_eq!((&*facts.serial, facts.self_issued), ("05", false));
    assert_eq!((facts.key, facts.key_bits), (KeyKind::Rsa, Some(1024)));
    assert_eq!(facts.not_after, Some(2_110_622_529));
    assert_eq!((facts.alternative_name_count, facts.authority), (0, None));
    assert!(certificate.names_host("OLD.example.net."), "by the common name");
    assert!(!certificate.names_host("example.net"));
}

#[test]
fn an_edwards_curve() {
    let der = der(ED25519);
    let facts = CertificateFacts::new(&Certificate::parse(&der).unwrap());
    assert_eq!((facts.key, facts.key_bits), (KeyKind::Ed25519, Some(256)));
    assert_eq!((facts.signature, facts.authority), (Some("ed25519"), Some(false)));
}

#[test]
fn hosts() {
    let der = der(EC);
    let certificate = Certificate::parse(&der).unwrap();
    for host in ["example.org", "Example.ORG", "www.example.org", "www.example.org."] {
        assert!(certificate.names_host(host), "{host}");
    }
    for host in ["a.b.example.org", ".example.org", "example.com", "", "10.0.0.1", "*"] {
        assert!(!certificate.names_host(host), "{host}");
    }
    assert!(!matches_host(b"*", b"localhost"));
    assert!(!matches_host(b"*.", b"localhost."));
}

#[test]
fn lengths_of_numbers_and_points() {
    assert_eq!(bits(&[0, 0x80, 0]), 16);
    assert_eq!(bits(&[0x01]), 1);
    assert_eq!(bits(&[0, 0]), 0);
    assert_eq!(point_bits(&[4; 97]), Some(384));
    assert_eq!(point_bits(&[2; 33]), Some(256));
    assert_eq!(point_bits(&[9; 33]), None);
    assert_eq!(serial_text(&[0, 0]), "00");
    assert_eq!(serial_text(&[]), "");
}

#[test]
fn a_cut_certificate_is_none_or_lacks_extensions_only() {
    let der = der(EC);
    let whole = CertificateFacts::new(&Certificate::parse(&der).unwrap());
    for cut in 0..der.len() {
        assert!(Certificate::parse(&der[..cut]).is_none(), "{cut}");
    }
    assert_eq!(whole.alternative_name_count, 3);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_certificates_never_panic(
        pick in 0..3_usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let mut bytes = der([EC, RSA, ED25519][pick]);
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(certificate) = Certificate::parse(&bytes) {
            let facts = CertificateFacts::new(&certificate);
            prop_assert!(facts.heap_bytes() <= 2 * NAME_TEXT_MAX + 2 * SERIAL_MAX);
            let _ = certificate.names_host("www.example.org");
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Certificate::parse(&bytes).map(|certificate| CertificateFacts::new(&certificate));
        let _ = Name(&bytes).text();
    }
}
