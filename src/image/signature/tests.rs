use super::*;

fn claim(text: &str) -> Result<Claim> {
    Claim::parse(text.as_bytes(), System::Sigstore)
}

#[test]
fn a_claim_says_just_what_is_known() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let claimed = Claim { manifest: Digest::parse(&digest).unwrap(), name: "quay.io/a/b:1".to_owned() };
    let bytes = claimed.to_bytes(System::Sigstore).unwrap();
    assert_eq!(Claim::parse(&bytes, System::Sigstore).unwrap(), claimed);
    // One kind is not taken for the other.
    assert!(Claim::parse(&bytes, System::OpenPgp).is_err());
    let good = format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"quay.io/a/b:1"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"cosign container image signature"}},"optional":null}}"#
    );
    assert_eq!(claim(&good).unwrap(), claimed);
    for (from, to) in [
        ("\"type\":\"cosign", "\"type\":\"Cosign"),
        ("\"type\":", "\"only-on\":\"monday\",\"type\":"),
        ("\"optional\":null", "\"optional\":null,\"more\":1"),
        ("{\"docker-reference\"", "{\"x\":1,\"docker-reference\""),
        ("{\"docker-manifest-digest\"", "{\"x\":1,\"docker-manifest-digest\""),
        ("{\"docker-reference\"", "{\"docker-reference\":\"quay.io/evil\",\"docker-reference\""),
        ("\"optional\":null", "\"optional\":{\"a\":1,\"a\":2}"),
        ("\"optional\":null", "\"optional\":1"),
        ("sha256:aa", "sha1:aa"),
        ("sha256:aa", "sha256:a"),
        ("sha256:", "sha512:"),
        ("null}", "null} x"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        assert!(claim(&bad).is_err(), "{bad}");
    }
}

#[test]
fn a_signature_is_kept_in_a_file_and_read_again() {
    let signature = Signature::Sigstore(Sigstore::new(b"{}".to_vec(), b"sig"));
    assert_eq!(Signature::from_file(&signature.to_file().unwrap()).unwrap(), signature);
    let message = Signature::OpenPgp(b"\xa3\x01".to_vec());
    assert_eq!(Signature::from_file(&message.to_file().unwrap()).unwrap(), message);
    assert_eq!(Signature::from_file(b"\0simple-signing\n\xa3\x01").unwrap(), message);
    for bad in [
        &b"\0sigstore-json\n"[..],
        b"\0sigstore-json\n{}",
        b"\0sigstore-json\n{\"mimeType\":\"x\",\"payload\":\"!\"}",
    ] {
        assert!(Signature::from_file(bad).is_err());
    }
}
