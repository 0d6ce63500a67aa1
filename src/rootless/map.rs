//! Id maps: which id of a user namespace is which id of the one outside it. Numbers in, numbers out.
//!
//! A container's map is made within the map of the engine's namespace, `outer`: its outside ids are the engine's inside
//! ids. The forms and their results are podman's: podman-run(1), `--userns` and `--uidmap`.

use crate::error::Kind;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// One line of a uid_map or gid_map: user_namespaces(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    pub inside: u32,
    pub outside: u32,
    pub count: u32,
}

/// The most lines that the kernel takes: user_namespaces(7).
pub const LINES_MAX: usize = 340;

impl Extent {
    fn inside_end(&self) -> u64 {
        u64::from(self.inside) + u64::from(self.count)
    }

    fn outside_end(&self) -> u64 {
        u64::from(self.outside) + u64::from(self.count)
    }

    /// The part that begins `skip` ids in and is at most `count` long.
    fn part(&self, skip: u32, count: u32) -> Self {
        Self { inside: self.inside + skip, outside: self.outside + skip, count: count.min(self.count - skip) }
    }
}

/// The id outside that an id inside is. None if it is not mapped.
pub fn to_outside(map: &[Extent], id: u32) -> Option<u32> {
    let extent = map.iter().find(|extent| id >= extent.inside && id - extent.inside < extent.count)?;
    Some(extent.outside + (id - extent.inside))
}

/// The id inside that an id outside is. None if it is not mapped.
#[allow(dead_code, reason = "the way back, for files that leave a container")]
pub fn to_inside(map: &[Extent], id: u32) -> Option<u32> {
    let extent = map.iter().find(|extent| id >= extent.outside && id - extent.outside < extent.count)?;
    Some(extent.inside + (id - extent.outside))
}

/// How many ids a map has.
pub fn total(map: &[Extent]) -> u64 {
    map.iter().map(|extent| u64::from(extent.count)).sum()
}

/// The map that changes nothing: every id of the engine's namespace under its own number.
pub fn identity(outer: &[Extent]) -> Vec<Extent> {
    let mut map: Vec<Extent> = outer.iter().map(|extent| Extent { outside: extent.inside, ..*extent }).collect();
    map.sort_by_key(|extent| extent.inside);
    map
}

/// Sorted, neighbours joined. An error if an id is mapped twice, on either side, or lies beyond the last.
pub fn normal(mut map: Vec<Extent>) -> Result<Vec<Extent>> {
    map.retain(|extent| extent.count > 0);
    // (uid_t)-1 is no id: it means "no change" to the kernel.
    let last = u64::from(u32::MAX);
    if map.iter().any(|extent| extent.inside_end() > last || extent.outside_end() > last) {
        return Err(Kind::BadInput.error("an id map goes beyond the last id, 4294967294"));
    }
    let twice = |one: &Extent, start: u64| {
        let line = format!("{}:{}:{}", one.inside, one.outside, one.count);
        Err(Kind::BadInput.error(format!("id map {line} overlaps another at {start}")))
    };
    map.sort_by_key(|extent| extent.outside);
    for pair in map.windows(2) {
        if pair[0].outside_end() > u64::from(pair[1].outside) {
            return twice(&pair[1], pair[1].outside.into());
        }
    }
    map.sort_by_key(|extent| extent.inside);
    let mut joined: Vec<Extent> = Vec::with_capacity(map.len());
    for extent in map {
        match joined.last_mut() {
            Some(last) if last.inside_end() > u64::from(extent.inside) => {
                return twice(&extent, extent.inside.into());
            }
            Some(last)
                if last.inside_end() == u64::from(extent.inside)
                    && last.outside_end() == u64::from(extent.outside) =>
            {
                last.count += extent.count;
            }
            _ => joined.push(extent),
        }
    }
    Ok(joined)
}

/// The lines that the kernel takes for `map`: a range across two extents of the outer map is EPERM, so it is cut there.
/// An error if the outer map does not have all of it.
pub fn lines(map: &[Extent], outer: &[Extent]) -> Result<Vec<Extent>> {
    let mut lines = Vec::new();
    for extent in map {
        let mut done = 0;
        while done < extent.count {
            let wanted = extent.outside + done;
            let Some(around) =
                outer.iter().find(|outer| wanted >= outer.inside && wanted - outer.inside < outer.count)
            else {
                let message =
                    format!("the container's id map needs id {wanted} of the engine's, which has no such id");
                return Err(Kind::BadInput.hinted(
                    message,
                    format!("this user has {} ids; give it more in /etc/subuid and /etc/subgid", total(outer)),
                ));
            };
            let left = around.count - (wanted - around.inside);
            let line = extent.part(done, left);
            done += line.count;
            lines.push(line);
        }
    }
    if lines.len() > LINES_MAX {
        return Err(Kind::BadInput
            .error(format!("the container's id map takes {} lines, the kernel takes {LINES_MAX}", lines.len())));
    }
    Ok(lines)
}

/// `keep-id`: the engine's user is `own` inside, all others move up to make room, `size` ids in all.
pub fn keep_id(outer: &[Extent], own: u32, size: Option<u32>) -> Result<Vec<Extent>> {
    let total = u32::try_from(total(outer)).unwrap_or(u32::MAX).min(size.unwrap_or(u32::MAX));
    if total == 0 {
        return Err(Kind::BadInput.error("a user namespace has at least one id"));
    }
    let others = total - 1;
    let below = own.min(others);
    let mut map = vec![Extent { inside: 0, outside: 1, count: below }, Extent { inside: own, outside: 0, count: 1 }];
    if others > own {
        map.push(Extent { inside: own + 1, outside: own + 1, count: others - own });
    }
    normal(map)
}

/// `nomap`: all ids but that of the engine's user.
pub fn without_own(outer: &[Extent]) -> Result<Vec<Extent>> {
    let count = u32::try_from(total(outer)).unwrap_or(u32::MAX).saturating_sub(1);
    if count == 0 {
        let message = "without the user's own id there is none left";
        return Err(Kind::BadInput.hinted(message, "give this user subordinate ids (see coracle info)"));
    }
    normal(vec![Extent { inside: 0, outside: 1, count }])
}

/// One mapping as `--uidmap` and `--gidmap` have it: `[FLAGS]INSIDE:[@]OUTSIDE[:COUNT]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    extent: Extent,
    /// `@`: the outside id is one of the host's.
    by_host: bool,
    /// `+`: what is mapped already makes way, and the rest stays mapped.
    extends: bool,
    kinds: Kinds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kinds {
    users: bool,
    groups: bool,
}

/// Which map a wish is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    Users,
    Groups,
}

/// The most ids of the host that one `@` takes, since each is looked up.
const BY_HOST_MAX: u32 = 1 << 20;

/// Parses the text of one `--uidmap` or `--gidmap`, which may hold several mappings.
pub fn parse(text: &str) -> Result<Vec<Wish>> {
    let bad = || Kind::BadInput.error(format!("id map {text:?} is not [+][u][g]INSIDE:[@]OUTSIDE[:COUNT]"));
    let mut fields: Vec<&str> = text.split(':').collect();
    if fields.len() == 2 {
        fields.push("1");
    }
    let (triples, rest) = fields.as_chunks::<3>();
    if !rest.is_empty() {
        return Err(bad());
    }
    let number = |text: &str| {
        let number = if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse::<u32>().ok() } else { None };
        number.ok_or_else(bad)
    };
    let mut wishes = Vec::new();
    for [inside, outside, count] in triples {
        let digits = inside.trim_start_matches(['+', 'u', 'g']);
        let flags = &inside[..inside.len() - digits.len()];
        let either = flags.contains(['u', 'g']);
        let by_host = outside.starts_with('@');
        let outside = outside.strip_prefix('@').unwrap_or(outside);
        let extent = Extent { inside: number(digits)?, outside: number(outside)?, count: number(count)? };
        if extent.inside_end() > u64::from(u32::MAX) || extent.outside_end() > u64::from(u32::MAX) {
            return Err(Kind::BadInput.error(format!("id map {text:?} goes beyond the last id, 4294967294")));
        }
        if by_host && extent.count > BY_HOST_MAX {
            return Err(
                Kind::BadInput.error(format!("id map {text:?} names more than {BY_HOST_MAX} ids of the host"))
            );
        }
        wishes.push(Wish {
            extent,
            by_host,
            extends: flags.contains('+'),
            kinds: Kinds { users: !either || flags.contains('u'), groups: !either || flags.contains('g') },
        });
    }
    Ok(wishes)
}

/// The map that wishes make. None if none of them is for this map. `fills` says that a map which only extends keeps all
/// other ids mapped, as for an ordinary user.
pub fn from_wishes(wishes: &[Wish], what: For, outer: &[Extent], fills: bool) -> Result<Option<Vec<Extent>>> {
    let mut map: Vec<Extent> = Vec::new();
    let mut fill = false;
    for wish in wishes {
        let applies = match what {
            For::Users => wish.kinds.users,
            For::Groups => wish.kinds.groups,
        };
        if !applies {
            continue;
        }
        for extent in in_engine_ids(wish, outer)? {
            if wish.extends {
                fill |= map.is_empty() && fills;
                make_room(&mut map, &extent);
            }
            map.push(extent);
        }
    }
    map.retain(|extent| extent.count > 0);
    if map.is_empty() {
        return Ok(None);
    }
    let map = normal(map)?;
    if fill { normal(filled(&map, outer)).map(Some) } else { Ok(Some(map)) }
}

fn in_engine_ids(wish: &Wish, outer: &[Extent]) -> Result<Vec<Extent>> {
    let extent = wish.extent;
    if !wish.by_host {
        return Ok(vec![extent]);
    }
    let mut found: Vec<Extent> = Vec::new();
    let mut done = 0;
    while done < extent.count {
        let host = extent.outside.checked_add(done).context("an id beyond the last")?;
        let around = outer.iter().find(|outer| host >= outer.outside && host - outer.outside < outer.count);
        let Some(around) = around else {
            return Err(Kind::BadInput.hinted(
                format!("id {host} of the host is not mapped for this user"),
                "coracle info shows which are",
            ));
        };
        let skip = host - around.outside;
        let count = (around.count - skip).min(extent.count - done);
        let inside = extent.inside.checked_add(done).context("an id beyond the last")?;
        found.push(Extent { inside, outside: around.inside + skip, count });
        done += count;
    }
    Ok(found)
}

/// Takes out of the map whatever has an id in common with `new`, on either side.
fn make_room(map: &mut Vec<Extent>, new: &Extent) {
    let mut kept = Vec::with_capacity(map.len() + 2);
    for old in map.drain(..) {
        let mut cuts = [
            overlap(old.inside, old.count, new.inside, new.count),
            overlap(old.outside, old.count, new.outside, new.count),
        ];
        cuts.sort_unstable();
        let mut from = 0;
        for (start, end) in cuts {
            if start > from && start < end {
                kept.push(old.part(from, start - from));
            }
            from = from.max(end);
        }
        if from < old.count {
            kept.push(old.part(from, old.count - from));
        }
    }
    *map = kept;
}

/// Which part of one range another covers, counted from the beginning of the first; (0, 0) is none.
fn overlap(start: u32, count: u32, other: u32, other_count: u32) -> (u32, u32) {
    let end = u64::from(start) + u64::from(count);
    let other_end = u64::from(other) + u64::from(other_count);
    let (from, to) = (u64::from(start.max(other)), end.min(other_end));
    if from >= to { (0, 0) } else { ((from - u64::from(start)) as u32, (to - u64::from(start)) as u32) }
}

/// Maps what is left of the engine's ids to what is left of the numbers inside, both from the lowest on.
fn filled(map: &[Extent], outer: &[Extent]) -> Vec<Extent> {
    let mut free = free_ranges(outer, map.iter().map(|extent| (extent.outside, extent.count)).collect());
    free.reverse();
    let mut result = map.to_vec();
    let mut next: u64 = 0;
    let gaps = map.iter().map(|extent| (u64::from(extent.inside), extent.inside_end()));
    for (gap_end, resume) in gaps.chain([(u64::from(u32::MAX), u64::from(u32::MAX))]) {
        while next < gap_end {
            let Some((start, count)) = free.pop() else { return result };
            let taken = u64::from(count).min(gap_end - next) as u32;
            result.push(Extent { inside: next as u32, outside: start, count: taken });
            next += u64::from(taken);
            if taken < count {
                free.push((start + taken, count - taken));
            }
        }
        next = resume;
    }
    result
}

/// The inside ids of the outer map that none of the used ranges has, lowest first.
fn free_ranges(outer: &[Extent], mut used: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    used.sort_unstable();
    let mut free = Vec::new();
    for extent in identity(outer) {
        let mut at = u64::from(extent.inside);
        let end = extent.inside_end();
        for (start, count) in &used {
            let (start, used_end) = (u64::from(*start), u64::from(*start) + u64::from(*count));
            if used_end <= at || start >= end {
                continue;
            }
            if start > at {
                free.push((at as u32, (start - at) as u32));
            }
            at = at.max(used_end);
        }
        if at < end {
            free.push((at as u32, (end - at) as u32));
        }
    }
    free
}

/// `auto`: the lowest `size` ids of the engine's that nobody has, never its user's own, under the numbers from 0 on; what
/// `wished` maps is taken from that.
pub fn pick(size: u32, wished: &[Extent], outer: &[Extent], used: &[Extent]) -> Result<Vec<Extent>> {
    let mut taken = vec![(0, 1)];
    taken.extend(used.iter().chain(wished).map(|extent| (extent.outside, extent.count)));
    let mut free = free_ranges(outer, taken);
    free.reverse();
    let mut map = wished.to_vec();
    // The numbers inside that are left to map.
    let numbers = [Extent { inside: 0, outside: 0, count: size }];
    for (mut inside, mut left) in free_ranges(&numbers, wished.iter().map(|wish| (wish.inside, wish.count)).collect())
    {
        while left > 0 {
            let Some((start, count)) = free.pop() else {
                let message = format!("not enough unused ids for a user namespace of {size}");
                return Err(Kind::BadInput
                    .hinted(message, "remove containers that have some (coracle rm), or ask for less: auto:size=N"));
            };
            let part = count.min(left);
            map.push(Extent { inside, outside: start, count: part });
            if part < count {
                free.push((start + part, count - part));
            }
            left -= part;
            if left > 0 {
                inside += part;
            }
        }
    }
    normal(map)
}

/// The text that the kernel takes for a map.
pub fn parse_file(text: &str) -> Vec<Extent> {
    let line = |line: &str| {
        let mut numbers = line.split_whitespace().map(|word| word.parse::<u32>().ok());
        Some(Extent { inside: numbers.next()??, outside: numbers.next()??, count: numbers.next()?? })
    };
    text.lines().filter_map(line).collect()
}

/// An ordinary user's map of the engine's namespace: their own id as 0, and every subordinate range from 1 on.
pub fn with_own_id(own: u32, ranges: &[(u32, u32)]) -> Result<Vec<Extent>> {
    if own == u32::MAX {
        bail!(Kind::BadInput.error("map ids: 4294967295 is no id"));
    }
    let mut extents = own_id_only(own);
    let mut inside: u32 = 1;
    for &(outside, count) in ranges {
        if outside == 0 || count == 0 || u64::from(outside) + u64::from(count) > u64::from(u32::MAX) {
            bail!(Kind::BadInput.error(format!("map subordinate ids {outside}+{count}: no valid range")));
        }
        let overlaps = |extent: &Extent| overlap(outside, count, extent.outside, extent.count) != (0, 0);
        if extents.iter().any(overlaps) {
            let message = format!("map subordinate ids {outside}+{count}: they overlap other ids");
            return Err(
                Kind::BadInput.hinted(message, "give the user ranges of their own in /etc/subuid and /etc/subgid")
            );
        }
        extents.push(Extent { inside, outside, count });
        inside = inside.checked_add(count).context("more than 2^32 subordinate ids")?;
    }
    if extents.len() > LINES_MAX || text_bytes(&extents) >= page_bytes() {
        let message = format!("the user has {} ranges of subordinate ids, more than the kernel takes", ranges.len());
        return Err(Kind::BadInput.hinted(message, "join neighbouring ranges in /etc/subuid and /etc/subgid"));
    }
    Ok(extents)
}

/// How long the text of a map is.
fn text_bytes(extents: &[Extent]) -> usize {
    let bytes = |extent: &Extent| format!("{} {} {}\n", extent.inside, extent.outside, extent.count).len();
    extents.iter().map(bytes).sum()
}

/// A map must be written at once, and be shorter than a page: user_namespaces(7).
fn page_bytes() -> usize {
    use nix::unistd::{SysconfVar, sysconf};
    sysconf(SysconfVar::PAGE_SIZE).ok().flatten().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(4096)
}

pub fn own_id_only(own: u32) -> Vec<Extent> {
    vec![Extent { inside: 0, outside: own, count: 1 }]
}

#[cfg(test)]
mod tests;
