//! `images --tree`: images with what each has for which platform, as docker shows it.

use super::super::units::human_size;
use super::super::{Context, listing};
use super::{Images, familiar, short, users};
use crate::engine::Engine;
use crate::image::Summary;
use crate::image::list::{self, Member};
use crate::store::digest::Digest;
use crate::store::layers;
use anyhow::Result;
use std::collections::{HashMap, HashSet};

const DISK_USAGE: &str = "DISK USAGE";
const CONTENT_SIZE: &str = "CONTENT SIZE";
/// Mark of an image that containers were made from.
const IN_USE: &str = "U";

pub fn print(context: &Context, wanted: &Images, images: &[Summary]) -> Result<()> {
    let users = users(context)?;
    let mut rows = Vec::new();
    for image in images {
        let lines = wanted.lines(std::slice::from_ref(image));
        let mut names: Vec<String> = lines.iter().map(|line| line.shown(context)).collect();
        // As docker has it, the shortest is the one that the rest stands beside.
        names.sort_by_key(|name| std::cmp::Reverse(name.chars().count()));
        let Some((last, others)) = names.split_last() else { continue };
        rows.extend(
            others.iter().map(|name| [name.clone(), String::new(), String::new(), String::new(), String::new()]),
        );
        let engine = &context.engine;
        // One that is damaged is listed without what is in it.
        let members = list::platforms(engine, &image.manifest).unwrap_or_default();
        rows.extend(tree(engine, image, last, &members, &users)?);
    }
    let headings = ["IMAGE", "ID", DISK_USAGE, CONTENT_SIZE, "EXTRA"];
    listing::docker_columns(&headings, !wanted.noheading, rows);
    Ok(())
}

fn tree(
    engine: &Engine,
    image: &Summary,
    name: &str,
    members: &[Member],
    users: &HashMap<Digest, usize>,
) -> Result<Vec<[String; 5]>> {
    let is_used = |id: &Digest| users.contains_key(id);
    let content = members.iter().fold(0, |sum: u64, member| sum.saturating_add(member.size));
    let all: HashSet<Digest> = members.iter().flat_map(|member| member.layers.iter().copied()).collect();
    let any_used = is_used(&image.id) || members.iter().any(|member| is_used(&member.id));
    let mut rows = vec![row(name.to_owned(), &image.id, unpacked(engine, all.iter())?, content, any_used)];
    for (number, member) in members.iter().enumerate() {
        let branch = if number + 1 == members.len() { "└─" } else { "├─" };
        let name = format!("{branch} {}", member.platform);
        rows.push(row(name, &member.id, unpacked(engine, member.layers.iter())?, member.size, is_used(&member.id)));
    }
    Ok(rows)
}

fn row(name: String, id: &Digest, unpacked: u64, content: u64, is_used: bool) -> [String; 5] {
    // At the right of their columns, as docker has them.
    let size = |bytes: u64, width: usize| format!("{:>width$}", human_size(bytes as f64, 3));
    let extra = if is_used { IN_USE } else { "" };
    let (all, content) =
        (size(unpacked.saturating_add(content), DISK_USAGE.len()), size(content, CONTENT_SIZE.len()));
    [name, short(id), all, content, extra.to_owned()]
}

/// What the layers take that are unpacked.
fn unpacked<'a>(engine: &Engine, layers: impl Iterator<Item = &'a Digest>) -> Result<u64> {
    let mut sum: u64 = 0;
    for layer in layers {
        sum = sum.saturating_add(layers::shown_bytes(engine, layer)?);
    }
    Ok(sum)
}

impl super::Line<'_> {
    fn shown(&self, context: &Context) -> String {
        match (self.repository.as_str(), self.tag.as_str()) {
            (super::NONE, _) => "<untagged>".to_owned(),
            (repository, super::NONE) => repository.to_owned(),
            (repository, tag) if context.docker => format!("{}:{tag}", familiar(repository)),
            (repository, tag) => format!("{repository}:{tag}"),
        }
    }
}
