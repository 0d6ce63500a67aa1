//! `images`: which images there are.

mod tree;

use super::listing::{self, Shape};
use super::time::{Zone, go_string};
use super::units::{human_duration, human_size, human_size_spaced};
use super::{Context, Verb};
use crate::container::config::Source;
use crate::container::state;
use crate::image::reference::Reference;
use crate::image::{self, Summary};
use crate::inspect::filter::{self, Images as Filters};
use crate::inspect::image as view;
use crate::inspect::view::{View, view};
use crate::store::digest::Digest;
use anyhow::Result;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

/// List images
#[derive(clap::Args)]
pub struct Images {
    /// Show all images (there are no hidden ones)
    #[arg(short, long)]
    all: bool,
    /// Show the digests of the manifests too
    #[arg(long)]
    digests: bool,
    /// Show only images that fit: after, before, containers, dangling, digest, id, intermediate, label, label!, manifest, readonly, reference, since, until
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Print by a Go template, as json, or by a template in columns: 'table TEMPLATE'
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Show all names too that each image has and had
    #[arg(long)]
    history: bool,
    /// Do not shorten ids
    #[arg(long)]
    no_trunc: bool,
    /// Do not print headings
    #[arg(short, long)]
    noheading: bool,
    /// Print ids alone
    #[arg(short, long)]
    quiet: bool,
    /// Order by this
    #[arg(long, value_name = "KEY", value_enum, default_value_t = Order::Created)]
    sort: Order,
    /// Show for each image what it has for which platform, and what that takes
    #[arg(long, conflicts_with_all = ["digests", "format", "history", "no_trunc", "quiet", "sort"])]
    tree: bool,
    /// Only images of this name; * and ? stand for any characters
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Order {
    Created,
    Id,
    Repository,
    Size,
    Tag,
}

/// One name of an image, or an image that has none.
struct Line<'a> {
    image: &'a Summary,
    repository: String,
    tag: String,
}

const NONE: &str = "<none>";

impl Verb for Images {
    fn run(self, context: &Context) -> Result<u8> {
        let shape = Shape::parse(self.format.as_deref(), self.quiet)?;
        let filters = Filters::parse(&context.engine, &self.filter)?;
        let mut images = Vec::new();
        for image in image::list_with_shared(&context.engine)? {
            if filters.match_image(&context.engine, &image)? {
                images.push(image);
            }
        }
        // The newest first, and of those made at the same time the one that came last.
        images.reverse();
        images.sort_by_key(|image| std::cmp::Reverse(view::created(&image.created)));
        if self.tree {
            return tree::print(context, &self, &images).map(|()| 0);
        }
        match shape {
            Shape::Json if context.docker => {
                let users = users(context)?;
                let row = |line: &Line<'_>| docker_row(&self, line, users.get(&line.image.id).copied().unwrap_or(0));
                listing::put(&self.lines(&images).iter().map(|line| format!("{}\n", row(line))).collect::<String>());
            }
            Shape::Json => listing::json(&self.elements(context, &images)?),
            Shape::Quiet => {
                let mut seen = HashSet::new();
                let lines = self.lines(&images);
                let ids =
                    lines.iter().filter(|line| seen.insert(line.image.id)).map(|line| self.id(line.image) + "\n");
                listing::put(&ids.collect::<String>());
            }
            Shape::Table => self.print_table(context, &images),
            Shape::Template(format) => {
                let users = users(context)?;
                // The rows of one image differ only in its name, and each has all of its names.
                let mut rows: HashMap<Digest, View> = HashMap::new();
                listing::template_of_each(&format, !self.noheading, &heading, |show| {
                    self.lines(&images).iter().try_for_each(|line| {
                        let row = rows.entry(line.image.id).or_insert_with(|| self.row(context, line.image, &users));
                        let repository =
                            if context.docker { familiar(&line.repository) } else { line.repository.clone() };
                        row.set("Repository", repository);
                        row.set("Tag", line.tag.as_str());
                        show(row)
                    })
                })?;
            }
        }
        Ok(0)
    }
}

impl Images {
    /// One line for each name that is asked for, in the order that is asked for.
    fn lines<'a>(&self, images: &'a [Summary]) -> Vec<Line<'a>> {
        let mut lines = Vec::new();
        for image in images {
            let fits = |name: &&String| self.name.as_deref().is_none_or(|wanted| filter::is_named(name, wanted));
            lines.extend(image.references.iter().rev().filter(fits).map(|name| Line::new(image, name)));
            if image.references.is_empty() && self.name.is_none() {
                lines.push(Line { image, repository: NONE.to_owned(), tag: NONE.to_owned() });
            }
        }
        match self.sort {
            Order::Created => {}
            Order::Id => lines.sort_by_key(|line| line.image.id),
            Order::Repository => {
                lines.sort_by(|one, other| (&one.repository, &one.tag).cmp(&(&other.repository, &other.tag)));
            }
            Order::Size => lines.sort_by_key(|line| line.image.size),
            Order::Tag => lines.sort_by(|one, other| one.tag.cmp(&other.tag)),
        }
        lines
    }

    fn id(&self, image: &Summary) -> String {
        if self.no_trunc { image.id.to_string() } else { short(&image.id) }
    }

    fn print_table(&self, context: &Context, images: &[Summary]) {
        let mut headings = vec!["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"];
        if self.digests {
            headings.insert(2, "DIGEST");
        }
        if self.history {
            headings.push("HISTORY");
        }
        let shares = !context.docker && images.iter().any(|image| image.read_only);
        if shares {
            headings.push("R/O");
        }
        let rows = self.lines(images).into_iter().map(|line| {
            let image = line.image;
            let size = match context.docker {
                true => human_size(image.size as f64, 3),
                false => human_size_spaced(image.size as f64, 3),
            };
            let mut cells = vec![self.id(image), ago(image), size];
            if self.digests {
                cells.insert(0, image.manifest.to_string());
            }
            if self.history {
                cells.push(view::history(&image.references, &image.former).join(", "));
            }
            if shares {
                cells.push(image.read_only.to_string());
            }
            let repository = if context.docker { familiar(&line.repository) } else { line.repository };
            [repository, line.tag].into_iter().chain(cells).collect::<Vec<_>>()
        });
        match context.docker {
            true => listing::docker_columns(&headings, !self.noheading, rows),
            false => listing::columns(&headings, !self.noheading, rows),
        }
    }

    fn elements(&self, context: &Context, images: &[Summary]) -> Result<View> {
        let users = users(context)?;
        let mut seen = HashSet::new();
        let lines = self.lines(images);
        let elements = lines.iter().filter(|line| seen.insert(line.image.id)).map(|line| {
            let image = line.image;
            view::summary(image, config(context, image).as_ref(), users.get(&image.id).copied().unwrap_or(0))
        });
        Ok(elements.collect())
    }

    /// What a template sees of an image, but for the one name that is listed.
    fn row(&self, context: &Context, image: &Summary, users: &HashMap<Digest, usize>) -> View {
        let containers = users.get(&image.id).copied().unwrap_or(0);
        let row = view::summary(image, config(context, image).as_ref(), containers);
        let created = view::created(&image.created);
        let words = view!({
            "ID": self.id(image),
            "RepoTags": view::tags(&image.references),
            "History": view::history(&image.references, &image.former).join(", "),
            "Created": ago(image),
            "CreatedSince": ago(image),
            "CreatedAt": created.map(|time| go_string(time, Zone::Utc)).unwrap_or_default(),
            "CreatedTime": created.map(|time| go_string(time, Zone::Utc)).unwrap_or_default(),
            "ReadOnly": image.read_only,
            "Size": human_size_spaced(image.size as f64, 3),
        });
        let row = row.over(words);
        match context.docker {
            // podman's fields stay for who asks for them.
            true => row.over(docker_fields(self, image, containers)),
            false => row,
        }
    }
}

impl<'a> Line<'a> {
    fn new(image: &'a Summary, name: &str) -> Self {
        let (repository, tag) = match Reference::parse_repository(name) {
            Ok(reference) => (reference.name(), reference.tag.unwrap_or_else(|| NONE.to_owned())),
            Err(_) => (name.to_owned(), NONE.to_owned()),
        };
        Self { image, repository, tag }
    }
}

/// docker leaves out what it takes for granted.
fn familiar(repository: &str) -> String {
    let bare = repository.strip_prefix("docker.io/").unwrap_or(repository);
    bare.strip_prefix("library/").filter(|_| bare != repository).unwrap_or(bare).to_owned()
}

/// docker's row is all text.
fn docker_row(images: &Images, line: &Line<'_>, containers: usize) -> View {
    let name = view!({"Repository": familiar(&line.repository), "Tag": &line.tag});
    docker_fields(images, line.image, containers).over(name)
}

/// What docker tells of an image but for its name.
fn docker_fields(images: &Images, image: &Summary, containers: usize) -> View {
    let created = view::created(&image.created);
    view!({
        "Containers": containers.to_string(),
        "CreatedAt": created.map(|time| go_string(time, Zone::Utc)).unwrap_or_default(),
        "CreatedSince": ago(image),
        "Digest": image.manifest.to_string(),
        "ID": images.id(image),
        "SharedSize": "N/A",
        "Size": human_size(image.size as f64, 3),
        "UniqueSize": "N/A",
        "VirtualSize": human_size(image.size as f64, 3),
    })
}

/// The headings that are not the names of their fields.
fn heading(field: &str) -> Option<String> {
    let heading = match field {
        "ID" | "Id" => "IMAGE ID",
        "CreatedSince" => "CREATED",
        _ => return None,
    };
    Some(heading.to_owned())
}

fn short(id: &Digest) -> String {
    let mut hex = id.hex();
    hex.truncate(12);
    hex
}

/// The configuration, for its labels. An image that is damaged is listed without.
fn config(context: &Context, image: &Summary) -> Option<image::config::ImageConfig> {
    image::open(&context.engine, image.clone()).ok().map(|image| image.config)
}

/// How many containers were made from each image.
fn users(context: &Context) -> Result<HashMap<Digest, usize>> {
    let mut users = HashMap::new();
    for container in state::list(&context.engine)? {
        if let Source::Image(image) = &container.config.source {
            *users.entry(image.id).or_insert(0) += 1;
        }
    }
    Ok(users)
}

fn ago(image: &Summary) -> String {
    let Some(created) = view::created(&image.created) else { return "N/A".to_owned() };
    let age = SystemTime::now().duration_since(created).unwrap_or(Duration::ZERO);
    format!("{} ago", human_duration(age))
}
