//! A file that lies on a web server.

use super::http::{Client, Patience, Request};
use super::origin::{Url, shown};
use super::trust::Trust;
use crate::error::{self, Kind};
use anyhow::{Context, Result};
use std::io::Read;

/// Whether it is the address of such a file rather than a path.
pub fn is_url(text: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|it| it.eq_ignore_ascii_case(scheme)))
}

/// Asks for the file. Reading it fails when it comes too slowly or ends early; who reads bounds its size.
pub fn open(text: &str) -> Result<impl Read + use<>> {
    let url = Url::parse(text)?;
    let trust = Trust { authority: url.origin.authority(), unverified_host: None, cert_dir: None };
    // What would help with a registry does not help here.
    let by_hand = |failed: anyhow::Error| {
        error::kind(&failed)
            .hinted(error::line(&failed), "fetch it first: curl --fail --location URL | coracle import - NAME")
    };
    let request = Request::get(url);
    let response = Client::new(trust, Patience::default())
        .send(&request)
        .with_context(|| format!("fetch {}", shown(text, 200)))
        .map_err(by_hand)?;
    match response.status {
        200 => Ok(response.into_body()),
        404 | 410 => Err(Kind::NotFound.error(format!("fetch {}: there is no such file", shown(text, 200)))),
        status => Err(Kind::Engine.error(format!("fetch {}: the server answers {status}", shown(text, 200)))),
    }
}
