//! Bytes as text between two lines: PEM (RFC 7468) and OpenPGP's armor (RFC 4880, section 6.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// What is in the blocks of a label, if there are any and all are whole. Headers and checksums, which protect nothing, are
/// left out.
pub fn blocks(text: &str, label: &str) -> Option<Vec<Vec<u8>>> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let block = |text: &str| {
        let (block, _) = text.split_once(&end)?;
        // Headers end with an empty line.
        let lines: Vec<&str> = block.lines().map(str::trim).skip(1).collect();
        let body = lines.iter().position(|line| line.is_empty()).map_or(&lines[..], |empty| &lines[empty + 1..]);
        let body: String = body.iter().take_while(|line| !line.starts_with('=')).copied().collect();
        BASE64.decode(body).ok()
    };
    let blocks: Vec<Vec<u8>> = text.split(&begin).skip(1).map(block).collect::<Option<_>>()?;
    (!blocks.is_empty()).then_some(blocks)
}
