//! Answers of registries that say no, as errors.

use super::ANSWER_BYTES_MAX;
use crate::error::Kind;
use crate::image::http::Response;
use crate::image::origin::{Origin, shown};
use serde::Deserialize;

/// The longest part of a registry's message that is shown.
const MESSAGE_CHARACTERS_MAX: usize = 200;

#[derive(Deserialize)]
struct ErrorAnswer {
    #[serde(default)]
    errors: Vec<ErrorItem>,
    details: Option<String>,
}

#[derive(Deserialize)]
struct ErrorItem {
    message: Option<String>,
}

/// An answer that is not the one hoped for, as an error (distribution spec, "Error Codes").
/// `registry` is what the user calls the one that is asked.
pub(super) fn refusal(
    registry: &str,
    response: Response,
    has_credentials: bool,
    withheld_from: Option<&Origin>,
) -> anyhow::Error {
    let (status, server) = (response.status, response.url.origin.authority());
    let wait = response.busy().filter(|wait| !wait.is_zero());
    let message = message_in(&response.document(ANSWER_BYTES_MAX).unwrap_or_default());
    let because = message.map(|message| format!(": {message}")).unwrap_or_default();
    match status {
        404 => Kind::NotFound.error("not found in the registry (404)"),
        401 | 403 => {
            let text = format!("denied by {server} ({status}){because}");
            match withheld_from {
                Some(other) => Kind::Denied
                    .error(format!("{text}; the credentials were not sent to {other}, which is not of the registry")),
                None if has_credentials => Kind::Denied.hinted(text, "check the credentials for this registry"),
                None => {
                    let hint = format!("log in with coracle login {registry}, or give --creds USER:PASSWORD");
                    Kind::Denied.hinted(text, hint)
                }
            }
        }
        _ => {
            let (kind, text) = match status {
                429 => (Kind::Denied, format!("too many requests to {server} (429){because}")),
                _ => (Kind::Engine, format!("{server} answers with status {status}{because}")),
            };
            match wait {
                Some(wait) => kind.hinted(text, format!("try again in {} seconds, as it asks for", wait.as_secs())),
                None => kind.error(text),
            }
        }
    }
}

fn message_in(answer: &[u8]) -> Option<String> {
    let answer: ErrorAnswer = serde_json::from_slice(answer).ok()?;
    let message = answer.errors.into_iter().find_map(|item| item.message).or(answer.details)?;
    Some(shown(&message, MESSAGE_CHARACTERS_MAX)).filter(|message| !message.is_empty())
}
