//! `image tree`: the layers of an image, and which images end with them.

use super::units::human_size;
use super::{Context, Verb, listing};
use crate::engine::Engine;
use crate::image::{self, Image};
use crate::inspect::image::tags;
use crate::store::digest::Digest;
use crate::store::layers;
use anyhow::Result;
use std::fmt::Write;

/// Show the layers of an image, and the images that end with each
#[derive(clap::Args)]
pub struct ImageTree {
    /// Show what is built on the image: its topmost layer, and the layers of all images above it
    #[arg(long)]
    whatrequires: bool,
    /// The image, by name or id
    #[arg(value_name = "IMAGE")]
    name: String,
}

impl Verb for ImageTree {
    fn run(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        let image = image::find_to_read(engine, &self.name)?;
        // One that cannot be opened is not a part of any tree.
        let all: Vec<Image> =
            image::list_with_shared(engine)?.into_iter().filter_map(|it| image::open(engine, it).ok()).collect();
        let (id, size) = (&image.id.hex()[..12], human_size(image.size as f64, 4));
        let names = tags(&image.references).join(" ");
        let mut text = format!("Image ID: {id}\nTags:     [{names}]\nSize:     {size}\nImage Layers\n");
        let mut tree = Tree { engine, all: &all, text: &mut text };
        let count = image.layers.len();
        if self.whatrequires {
            let above: Vec<&Image> = all.iter().filter(|other| other.layers.starts_with(&image.layers)).collect();
            tree.branch("", &above, count.saturating_sub(1), Place::Alone)?;
        } else {
            tree.branch("", &[&image], 0, Place::Alone)?;
        }
        listing::put(&text);
        Ok(0)
    }
}

/// Where a way up stands among those that begin at the same layer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Alone,
    Before,
    Last,
}

struct Tree<'a> {
    engine: &'a Engine,
    all: &'a [Image],
    text: &'a mut String,
}

impl Tree<'_> {
    /// The layers from `depth` on of images whose layers below it are the same. As long as there is one way up they are
    /// a list; where there are several, each begins one below it.
    fn branch(&mut self, indent: &str, images: &[&Image], mut depth: usize, place: Place) -> Result<()> {
        let ways = |depth: usize| {
            let mut ways: Vec<Digest> = images.iter().filter_map(|image| image.layers.get(depth)).copied().collect();
            ways.sort_unstable();
            ways.dedup();
            ways
        };
        let (mut now, mut above) = (ways(depth), ways(depth + 1));
        while let [_] = now[..] {
            let image = images.iter().find(|image| image.layers.len() > depth).expect("one of them has the layer");
            let is_end = place == Place::Last || (place == Place::Alone && above.len() != 1);
            let line = self.line(&image.layers[..=depth])?;
            writeln!(self.text, "{indent}{} {line}", if is_end { "└──" } else { "├──" }).expect("write to a string");
            depth += 1;
            (now, above) = (above, ways(depth + 1));
            if place != Place::Alone {
                break;
            }
        }
        let indent = format!("{indent}{}", if place == Place::Before { "│   " } else { "    " });
        for (number, way) in now.iter().enumerate() {
            let of_way: Vec<&Image> = images.iter().filter(|it| it.layers.get(depth) == Some(way)).copied().collect();
            let place = match (now.len(), number + 1 == now.len()) {
                (1, _) => Place::Alone,
                (_, true) => Place::Last,
                (_, false) => Place::Before,
            };
            self.branch(&indent, &of_way, depth, place)?;
        }
        Ok(())
    }

    /// A layer, and the images that have it and all below it and no more.
    fn line(&self, stack: &[Digest]) -> Result<String> {
        let layer = stack.last().expect("a line is of a layer");
        let size = layers::shown_bytes(self.engine, layer)?;
        let mut line = format!("ID: {} Size: {:>7}", &layer.hex()[..12], human_size(size as f64, 4));
        let ending = self.all.iter().filter(|image| image.layers == stack).flat_map(|image| tags(&image.references));
        let names: Vec<String> = ending.collect();
        if !names.is_empty() {
            line.push_str(&format!(" Top Layer of: [{}]", names.join(" ")));
        }
        Ok(line)
    }
}
