//! What a registry has: its repositories and tags, page by page, and what its search finds.

use super::*;
use crate::image::origin::percent_encoded;
use std::collections::HashSet;

/// The largest page.
const PAGE_BYTES_MAX: usize = 4 << 20;
/// How many names one page is asked to have; some registries refuse more.
const PAGE_NAMES: usize = 1000;
/// The most pages that are read, and the longest name that is understood.
const PAGES_MAX: usize = 1000;
const NAME_BYTES_MAX: usize = 255;

/// One image that a search has found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Found {
    /// The repository.
    pub name: String,
    pub description: String,
    pub star_count: i64,
    pub is_official: bool,
    pub is_automated: bool,
}

#[derive(Deserialize)]
struct SearchAnswer {
    results: Option<Vec<Found>>,
}

#[derive(Deserialize)]
struct Page {
    repositories: Option<Vec<String>>,
    tags: Option<Vec<String>>,
}

impl Registry {
    /// The first `count_max` tags of the repository.
    pub fn tags(&self, count_max: usize) -> Result<Vec<String>> {
        let first = format!("/v2/{}/tags/list?n={}", self.repository, PAGE_NAMES.min(count_max));
        self.pages(first, count_max, |page| page.tags, &|_| true)
    }

    /// Images of a registry whose name or description has a term in it; all, if it is empty.
    pub fn search(host: &str, term: &str, count_max: usize, access: &Access) -> Result<Vec<Found>> {
        if !term.is_empty() {
            // Docker Hub's is at another host than its images.
            let place = if host == "docker.io" { "index.docker.io" } else { host };
            let registry = Self::whole(place, host, access)?;
            let target = format!("/v1/search?q={}&n={count_max}", percent_encoded(term));
            let response = registry.ask(Request::get(Url::new(registry.origin()?, &target)))?;
            // Most registries do not know this, and say so in one way or another.
            let answer = (response.status == 200).then(|| response.document(PAGE_BYTES_MAX)).transpose()?;
            let answer = answer.and_then(|answer| serde_json::from_slice::<SearchAnswer>(&answer).ok());
            let mut found = answer.and_then(|answer| answer.results).unwrap_or_default();
            if !found.is_empty() || host == "docker.io" {
                found.truncate(count_max);
                return Ok(found);
            }
        }
        let registry = Self::whole(host, host, access)?;
        let first = format!("/v2/_catalog?n={PAGE_NAMES}");
        let names = registry.pages(first, count_max, |page| page.repositories, &|name| name.contains(term))?;
        Ok(names.into_iter().map(|name| Found { name, ..Found::default() }).collect())
    }

    /// A registry of which no repository is asked for, with the credentials for `host`.
    fn whole(place: &str, host: &str, access: &Access) -> Result<Self> {
        let registries = Registries::load()?;
        let insecure = registries.is_insecure(host)?;
        let credentials = match &access.creds {
            Some(given) => Some(given.clone()),
            None => auth::find(host, "", access.authfile.as_deref(), &registries.helpers())?,
        };
        Self::of((place, ""), credentials, access.tls_verify.unwrap_or(!insecure), access, patience(access))
    }

    /// Follows the pages of a list, which all come from this registry (distribution spec, "Listing Tags"; RFC 8288).
    fn pages(
        &self,
        first: String,
        count_max: usize,
        names: fn(Page) -> Option<Vec<String>>,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<String>> {
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        let mut target = first;
        for _ in 0..PAGES_MAX {
            let url = Url::new(self.origin()?, &target);
            let response = self.ask(Request { accept: Some("application/json"), ..Request::get(url.clone()) })?;
            if response.status != 200 {
                return Err(self.refusal(response));
            }
            let next = response.header("link").and_then(next_page).map(str::to_owned);
            let page: Page = serde_json::from_slice(&response.document(PAGE_BYTES_MAX)?)
                .map_err(|_| Kind::BadInput.error("the registry answers no list"))?;
            let fits =
                |name: &String| name.len() <= NAME_BYTES_MAX && !name.contains(char::is_control) && is_wanted(name);
            found.extend(names(page).unwrap_or_default().into_iter().filter(fits));
            let Some(next) = next.filter(|_| found.len() < count_max) else {
                found.truncate(count_max);
                return Ok(found);
            };
            seen.insert(target);
            let next = url.join(&next).context("next page")?;
            if next.origin != url.origin {
                return Err(Kind::Denied.error(format!("{} has its next page at {}", url.origin, next.origin)));
            }
            target = next.target().to_owned();
            if seen.contains(&target) {
                return Err(Kind::BadInput.error("the registry's pages lead back to one another"));
            }
        }
        Err(Kind::BadInput.error(format!("the registry has more than {PAGES_MAX} pages")))
    }
}

/// The target of the link to the next page.
fn next_page(header: &str) -> Option<&str> {
    header.split(',').find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters.split(';').any(|parameter| {
            let value = parameter.trim().strip_prefix("rel=").map(|value| value.trim_matches('"'));
            value.is_some_and(|value| value.split(' ').any(|word| word.eq_ignore_ascii_case("next")))
        });
        is_next.then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_links() {
        for (header, target) in [
            ("</v2/x/tags/list?last=b&n=2>; rel=\"next\"", Some("/v2/x/tags/list?last=b&n=2")),
            ("<a>; rel=prev, <b>; title=\"x\"; rel=\"last next\"", Some("b")),
            ("<a>; rel=\"prev\"", None),
            ("a; rel=next", None),
            ("", None),
            ("<", None),
        ] {
            assert_eq!(next_page(header), target, "{header}");
        }
    }
}
