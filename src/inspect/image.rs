//! An image as `inspect` and `images` show it.

use super::NEVER;
use crate::engine::Engine;
use crate::image::config::ImageConfig;
use crate::image::reference::Reference;
use crate::image::{self, Image, Summary};
use crate::inspect::view::{AsGo, View, view};
use anyhow::{Context, Result};
use std::time::{Duration, SystemTime};

/// When an image says it was made. None if it does not say, or not in RFC 3339.
pub fn created(text: &str) -> Option<SystemTime> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    let secs = Duration::from_secs(time.timestamp().unsigned_abs());
    let whole = match time.timestamp() {
        0.. => SystemTime::UNIX_EPOCH.checked_add(secs),
        _ => SystemTime::UNIX_EPOCH.checked_sub(secs),
    };
    whole?.checked_add(Duration::from_nanos(u64::from(time.timestamp_subsec_nanos()).min(999_999_999)))
}

/// The names with a tag, the last given first.
pub fn tags(references: &[String]) -> Vec<String> {
    let has_tag = |name: &&String| Reference::parse_repository(name).is_ok_and(|name| name.tag.is_some());
    references.iter().rev().filter(has_tag).cloned().collect()
}

/// `NAME@DIGEST` for every repository that the image has a name in.
pub fn digests(image: &Summary) -> Vec<String> {
    repo_digests(&image.references, &image.manifests)
}

fn repo_digests(references: &[String], manifests: &[crate::store::digest::Digest]) -> Vec<String> {
    let mut all = Vec::new();
    for reference in references.iter().filter_map(|name| Reference::parse_repository(name).ok()) {
        all.extend(manifests.iter().map(|digest| format!("{}@{digest}", reference.name())));
    }
    all.sort();
    all.dedup();
    all
}

/// All names that an image has and had, the last one first.
pub fn history(references: &[String], former: &[String]) -> Vec<String> {
    references.iter().rev().chain(former).cloned().collect()
}

/// One element of `images --format json`, but for its time in words. `config` is read only for the labels.
pub fn summary(image: &Summary, config: Option<&ImageConfig>, containers: usize) -> View {
    let names: Vec<String> = image.references.iter().rev().cloned().collect();
    let view = view!({
        "Id": image.id.hex(),
        "ParentId": "",
        "RepoTags": tags(&image.references),
        "RepoDigests": digests(image),
        "Names": &names,
        "History": history(&image.references, &image.former),
        "Digest": image.manifest.to_string(),
        "Created": unix(created(&image.created)),
        "CreatedAt": if image.created.is_empty() { NEVER } else { &image.created },
        "Size": image.size,
        "SharedSize": 0,
        "VirtualSize": image.size,
        "Labels": config.map(|config| &config.config.labels),
        "Containers": containers,
        "Dangling": image.references.is_empty(),
    });
    match image.read_only {
        true => view.over(view!({ "ReadOnly": true })),
        false => view,
    }
}

fn unix(time: Option<SystemTime>) -> i64 {
    let Some(time) = time else { return 0 };
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    }
}

/// Fields that Go leaves out of JSON when they are empty.
const OMITTED: &[&str] = &[
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Healthcheck",
    "LowerDir",
    "OnBuild",
    "Shell",
    "StopSignal",
    "User",
    "Variant",
    "Volumes",
    "WorkingDir",
    "author",
    "comment",
    "empty_layer",
];

/// What `inspect` prints of what [`inspect`] gives to templates.
pub fn json(view: &View) -> AsGo<'_> {
    AsGo { view, omitted: OMITTED, kept: &["User"], nil: &["Labels"] }
}

/// All that is known of an image, as templates see it.
pub fn inspect(engine: &Engine, image: &Image) -> Result<View> {
    let (manifest, _) = image::parts(engine, image)?;
    let config = &image.config;
    let layers: View = config.rootfs.diff_ids.iter().map(ToString::to_string).collect();
    Ok(view!({
        "Id": image.id.hex(),
        "Digest": image.manifest.to_string(),
        "RepoTags": tags(&image.references),
        "RepoDigests": repo_digests(&image.references, &[image.manifest]),
        "Parent": "",
        "Comment": config.history.last().map(|step| step.comment.as_str()).unwrap_or_default(),
        "Created": if config.created.is_empty() { NEVER } else { &config.created },
        "Config": process_config(config)?,
        "Version": "",
        "Author": &config.author,
        "Architecture": &config.architecture,
        "Variant": &config.variant,
        "Os": &config.os,
        "Size": image.size,
        "VirtualSize": image.size,
        "GraphDriver": graph_driver(engine, image),
        "RootFS": { "Type": &config.rootfs.kind, "Layers": layers },
        "Labels": &config.config.labels,
        "Annotations": &manifest.annotations,
        "ManifestType": manifest.media_type,
        "User": &config.config.user,
        "History": View::of(&config.history)?,
        "NamesHistory": history(&image.references, &image.former),
        "Healthcheck": View::of(&config.config.healthcheck)?,
    }))
}

/// The part that containers start from, with a value for every field, so that a template may name any.
fn process_config(config: &ImageConfig) -> Result<View> {
    let empty = view!({
        "User": "",
        "ExposedPorts": {},
        "Env": [],
        "Entrypoint": [],
        "Cmd": [],
        "Volumes": {},
        "WorkingDir": "",
        "Labels": {},
        "StopSignal": "",
        "OnBuild": [],
        "Shell": [],
        "Healthcheck": null,
    });
    Ok(empty.over(View::of(&config.config).context("serialise image configuration")?))
}

fn graph_driver(engine: &Engine, image: &Image) -> View {
    let mut layers: Vec<String> =
        image.layers.iter().map(|layer| crate::store::layers::path(engine, layer).display().to_string()).collect();
    let upper = layers.pop().unwrap_or_default();
    layers.reverse();
    // There is no work directory: nothing is ever written to a layer.
    view!({ "Name": "overlay", "Data": { "LowerDir": layers.join(":"), "UpperDir": upper, "WorkDir": "" } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_nonsense_is_not() {
        assert_eq!(unix(created("2024-02-29T12:00:00.5+02:00")), 1_709_200_800);
        assert_eq!(unix(created("1969-12-31T23:59:58Z")), -2);
        for text in ["", "now", "2024-02-30T00:00:00Z", "9999999-01-01T00:00:00Z"] {
            assert_eq!(created(text), None, "{text:?}");
        }
    }

    #[test]
    fn names_and_digests_are_told_apart() {
        let digest = crate::store::digest::Digest::of(b"x");
        let references = ["localhost/a:1".to_owned(), format!("quay.io/b@{digest}"), "localhost/a:2".to_owned()];
        assert_eq!(tags(&references), ["localhost/a:2", "localhost/a:1"]);
        assert_eq!(
            repo_digests(&references, &[digest]),
            [format!("localhost/a@{digest}"), format!("quay.io/b@{digest}")]
        );
    }
}
