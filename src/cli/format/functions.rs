//! The functions a template may call: Go's own, and the ones that docker and podman add. None reads files or runs code.

use super::eval::Budget;
use super::value::{Data, Items};
use super::{printf, quote};
use crate::error::Kind;
use crate::inspect::view::View;
use anyhow::Result;
use std::cmp::Ordering;
use std::fmt::Write;

/// What `pad` may add on one side.
const PAD_MAX: i128 = 1 << 16;

#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    /// The least and the greatest number of arguments
    arguments: (usize, usize),
    pub body: Run,
}

type Plain = for<'a> fn(&mut Budget, &[Data<'a>]) -> Result<Data<'a>>;

#[derive(Debug)]
pub enum Run {
    Plain(Plain),
    /// Stops at the first argument with this truth.
    Until(bool),
}

const MANY: usize = usize::MAX;

static FUNCTIONS: &[Function] = &[
    Function { name: "and", arguments: (1, MANY), body: Run::Until(false) },
    Function { name: "or", arguments: (1, MANY), body: Run::Until(true) },
    plain("not", (1, 1), not),
    plain("len", (1, 1), len),
    plain("index", (1, MANY), index),
    plain("slice", (1, 4), slice),
    plain("print", (0, MANY), print),
    plain("println", (0, MANY), println),
    plain("printf", (1, MANY), printf),
    plain("eq", (2, MANY), eq),
    plain("ne", (2, 2), ne),
    plain("lt", (2, 2), |_, arguments| compare(arguments, Ordering::is_lt)),
    plain("le", (2, 2), |_, arguments| compare(arguments, Ordering::is_le)),
    plain("gt", (2, 2), |_, arguments| compare(arguments, Ordering::is_gt)),
    plain("ge", (2, 2), |_, arguments| compare(arguments, Ordering::is_ge)),
    plain("html", (0, MANY), |budget, arguments| escaped(budget, arguments, quote::html)),
    plain("js", (0, MANY), |budget, arguments| escaped(budget, arguments, quote::js)),
    plain("urlquery", (0, MANY), |budget, arguments| escaped(budget, arguments, quote::urlquery)),
    plain("json", (1, 1), json),
    plain("join", (2, 2), join),
    plain("split", (2, 2), split),
    plain("upper", (1, 1), |budget, arguments| mapped(budget, arguments, "upper", str::to_uppercase)),
    plain("lower", (1, 1), |budget, arguments| mapped(budget, arguments, "lower", str::to_lowercase)),
    plain("title", (1, 1), |budget, arguments| mapped(budget, arguments, "title", title)),
    plain("truncate", (2, 2), truncate),
    plain("pad", (3, 3), pad),
    plain("table", (1, 1), |_, arguments| Ok(arguments[0].clone())),
];

const fn plain(name: &'static str, arguments: (usize, usize), body: Plain) -> Function {
    Function { name, arguments, body: Run::Plain(body) }
}

pub fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

pub fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name)
}

/// Refuses a wrong number of arguments, so that the bodies may index theirs.
pub fn check(function: &Function, given: usize) -> Result<()> {
    let (least, most) = function.arguments;
    if (least..=most).contains(&given) {
        return Ok(());
    }
    let wanted = if least == most { least.to_string() } else { format!("at least {least}") };
    Err(bad(function.name, &format!("wants {wanted} arguments, not {given}")))
}

fn bad(function: &str, message: &str) -> anyhow::Error {
    Kind::BadInput.error(format!("template: {function}: {message}"))
}

fn made<'a>(text: String) -> Data<'a> {
    Data::Made(text.into())
}

fn text_of<'d>(function: &str, data: &'d Data<'_>) -> Result<&'d str> {
    data.text().ok_or_else(|| bad(function, &format!("wants a string, not {}", data.kind())))
}

fn int_of(function: &str, data: &Data<'_>) -> Result<i128> {
    match data {
        Data::Int(number) => Ok(*number),
        other => Err(bad(function, &format!("wants an integer, not {}", other.kind()))),
    }
}

fn not<'a>(_: &mut Budget, arguments: &[Data<'a>]) -> Result<Data<'a>> {
    Ok(Data::Bool(!arguments[0].truth()))
}

fn len<'a>(_: &mut Budget, arguments: &[Data<'a>]) -> Result<Data<'a>> {
    let length = match &arguments[0] {
        // JSON writes Go's nil slices and maps as null.
        Data::Nil => 0,
        Data::Object(fields) => fields.len(),
        Data::Text(_) | Data::Made(_) => text_of("len", &arguments[0])?.len(),
        other => other.items().ok_or_else(|| bad("len", &format!("of type {}", other.kind())))?.len(),
    };
    Ok(Data::Int(length as i128))
}

fn index<'a>(_: &mut Budget, arguments: &[Data<'a>]) -> Result<Data<'a>> {
    let mut data = arguments[0].clone();
    for key in &arguments[1..] {
        data = match &data {
            Data::Object(fields) => {
                let key = text_of("index", key)?;
                fields.get(key).map_or_else(|| zero_like(fields.iter().next().map(|(_, value)| value)), Data::from)
            }
            Data::Nil if key.text().is_some() => Data::Text(""),
            Data::Text(_) | Data::Made(_) => {
                let bytes = text_of("index", &data)?.as_bytes();
                Data::Int(bytes[position(key, bytes.len())?].into())
            }
            other => {
                let items = other.items().ok_or_else(|| bad("index", &format!("of type {}", other.kind())))?;
                items.get(position(key, items.len())?).unwrap_or(Data::Nil)
            }
        };
    }
    Ok(data)
}

/// What Go's index answers for an absent key: the zero value of the map's type, which its other values betray.
fn zero_like<'a>(sibling: Option<&View>) -> Data<'a> {
    match sibling.map(Data::from) {
        None | Some(Data::Text(_)) => Data::Text(""),
        Some(Data::List(_)) => Data::List(&[]),
        Some(Data::Bool(_)) => Data::Bool(false),
        Some(Data::Int(_)) => Data::Int(0),
        Some(_) => Data::Nil,
    }
}

fn position(key: &Data<'_>, length: usize) -> Result<usize> {
    let at = int_of("index", key)?;
    usize::try_from(at).ok().filter(|at| *at < length).ok_or_else(|| bad("index", &format!("out of range: {at}")))
}

fn slice<'a>(budget: &mut Budget, arguments: &[Data<'a>]) -> Result<Data<'a>> {
    let data = &arguments[0];
    let length = match (data.text(), data.items()) {
        (Some(_), _) if arguments.len() == 4 => return Err(bad("slice", "a string takes two indexes")),
        (Some(text), _) => text.len(),
        (_, Some(items)) => items.len(),
        _ => return Err(bad("slice", &format!("of type {}", data.kind()))),
    };
    let mut bounds = [0, length, length];
    for (bound, argument) in bounds.iter_mut().zip(&arguments[1..]) {
        let at = int_of("slice", argument)?;
        *bound = usize::try_from(at)
            .ok()
            .filter(|at| *at <= length)
            .ok_or_else(|| bad("slice", &format!("index out of range: {at}")))?;
    }
    let [from, to, capacity] = bounds;
    if from > to || to > capacity {
        return Err(bad("slice", &format!("invalid slice index: {from} > {to}")));
    }
    budget.make(to - from)?;
    match (data, data.items()) {
        (Data::Text(text), _) if text.is_char_boundary(from) && text.is_char_boundary(to) => {
            Ok(Data::Text(&text[from..to]))
        }
        (_, Some(items)) => {
            budget.make((to - from) * size_of::<Data>())?;
            Ok(items.slice(from, to))
        }
        // Go would cut a character into bytes that are no text.
        _ => Ok(made(String::from_utf8_lossy(&text_of("slice", data)?.as_bytes()[from..to]).into_owned())),
    }
}

fn print<'a>(budget: &mut Budget, arguments: &[Data<'a>]) -> Result<Data<'a>> {
    printed(budget, arguments).map(made)
}

/// Go's Sprint: a space only between operands of which neither is a string.
fn printed(budget: &mut Budget, arguments: &[Data<'_>]) -> Result<String> {
    budget.write(|out| {
        let mut after_text = true;
        for argument in arguments {
            let is_text = argument.text().is_some();
            if !after_text && !is_text {
                out.write_char(' ')?;
            }
            after_text = is_text;
            present(argument).print(out)?;
        }
        Ok(())
    })
}

fn println<'a>(budget: &mut Budget, arguments: &[Data<'a>]) -> Result<Data<'a>> {
    let line = budget.write(|out| {
        for (at, argument) in arguments.iter().enumerate() {
            if at > 0 {
                out.write_char(' ')?;
            }
            present(argument).print(out)?;
        }
        out.write_char('\n')
    })?;
    Ok(made(line))
}

/// As a function's argument an absent entry is plain nil.
fn present<'a>(data: &Data<'a>) -> Data<'a> {
    match data {
        Data::Missing => Data::Nil,
        other => other.clone(),
    }
}

fn printf<'a>(budget: &mut Budget, arguments: &[Data<'a>]) -> Result<Data<'a>> {
    let form = text_of("printf", &arguments[0])?;
    let values: Vec<_> = arguments[1..].iter().map(present).collect();
    budget.write(|out| printf::write(form, &values, out)).map(made)
}

fn eq<'a>(budget: &mut Budget, arguments: &[Data<'a>]) -> Result<Data<'a>> {
    for other in &arguments[1..] {
        budget.step(other.weight())?;
        if equal(&arguments[0], other)? {
            return Ok(Data::Bool(true));
        }
    }
    Ok(Data::Bool(false))
}

fn ne<'a>(_: &mut Budget, arguments: &[Data<'a>]) -> Result<Data<'a>> {
    equal(&arguments[0], &arguments[1]).map(|equal| Data::Bool(!equal))
}

fn is_nil(data: &Data<'_>) -> bool {
    matches!(data, Data::Missing | Data::Nil)
}

fn equal(left: &Data<'_>, right: &Data<'_>) -> Result<bool> {
    match (left, right) {
        _ if is_nil(left) || is_nil(right) => Ok(is_nil(left) && is_nil(right)),
        (Data::Bool(left), Data::Bool(right)) => Ok(left == right),
        _ => order("eq", left, right).map(|order| order == Some(Ordering::Equal)),
    }
}

fn compare<'a>(arguments: &[Data<'a>], accepts: fn(Ordering) -> bool) -> Result<Data<'a>> {
    let order = order("comparison", &arguments[0], &arguments[1])?;
    Ok(Data::Bool(order.is_some_and(accepts)))
}

/// JSON does not tell 1 from 1.0, so integers and floats compare, which Go refuses.
fn order(function: &str, left: &Data<'_>, right: &Data<'_>) -> Result<Option<Ordering>> {
    let float = |data: &Data<'_>| match data {
        Data::Int(number) => Some(*number as f64),
        Data::Float(number) => Some(*number),
        _ => None,
    };
    match (left, right) {
        (Data::Int(left), Data::Int(right)) => Ok(Some(left.cmp(right))),
        _ => match (left.text(), right.text(), float(left), float(right)) {
            (Some(left), Some(right), ..) => Ok(Some(left.cmp(right))),
            (.., Some(left), Some(right)) => Ok(left.partial_cmp(&right)),
            _ => Err(bad(function, &format!("incompatible types {} and {}", left.kind(), right.kind()))),
        },
    }
}

/// One string as it is, anything else as `print` writes it, escaped for the place it goes to.
fn escaped<'a>(
    budget: &mut Budget,
    arguments: &[Data<'a>],
    escape: fn(&str, &mut dyn Write) -> std::fmt::Result,
) -> Result<Data<'a>> {
    let text = printed(budget, arguments)?;
    budget.write(|out| escape(&text, out)).map(made)
}

fn json<'a>(budget: &mut Budget, arguments: &[Data<'a>]) -> Result<Data<'a>> {
    budget.write(|out| write!(out, "{}", arguments[0].to_json())).map(made)
}

fn join<'a>(budget: &mut Budget, arguments: &[Data<'a>]) -> Result<Data<'a>> {
    let separator = text_of("join", &arguments[1])?;
    let items = match &arguments[0] {
        Data::Nil => Items::Given(&[]),
        list => list.items().ok_or_else(|| bad("join", &format!("wants a list, not {}", list.kind())))?,
    };
    let joined = budget.write(|out| {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.write_str(separator)?;
            }
            item.print(out)?;
        }
        Ok(())
    })?;
    Ok(made(joined))
}

fn split<'a>(budget: &mut Budget, arguments: &[Data<'a>]) -> Result<Data<'a>> {
    let (text, separator) = (text_of("split", &arguments[0])?, text_of("split", &arguments[1])?);
    let mut parts = Vec::new();
    let mut push = |part: &str| {
        budget.make(part.len() + 2 * size_of::<Data>())?;
        parts.push(made(part.to_owned()));
        anyhow::Ok(())
    };
    match separator {
        "" => text.char_indices().try_for_each(|(at, part)| push(&text[at..at + part.len_utf8()]))?,
        _ => text.split(separator).try_for_each(&mut push)?,
    }
    Ok(Data::MadeList(parts.into()))
}

fn mapped<'a>(budget: &mut Budget, arguments: &[Data<'a>], name: &str, map: fn(&str) -> String) -> Result<Data<'a>> {
    let text = text_of(name, &arguments[0])?;
    // No change of case more than triples a string.
    budget.make(3 * text.len())?;
    Ok(made(map(text)))
}

/// Go's strings.Title: a capital wherever a letter begins a word.
fn title(text: &str) -> String {
    let mut previous = ' ';
    let mut result = String::with_capacity(text.len());
    for character in text.chars() {
        let inside = match previous.is_ascii() {
            true => previous.is_ascii_alphanumeric() || previous == '_',
            false => !previous.is_whitespace(),
        };
        match inside {
            true => result.push(character),
            false => result.extend(character.to_uppercase()),
        }
        previous = character;
    }
    result
}

fn truncate<'a>(budget: &mut Budget, arguments: &[Data<'a>]) -> Result<Data<'a>> {
    let text = text_of("truncate", &arguments[0])?;
    let length = int_of("truncate", &arguments[1])?;
    let length = usize::try_from(length).map_err(|_| bad("truncate", &format!("length out of range: {length}")))?;
    // Go would cut through a character.
    let length = (0..=length.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let cut = &text[..length];
    budget.make(cut.len())?;
    Ok(made(cut.to_owned()))
}

fn pad<'a>(budget: &mut Budget, arguments: &[Data<'a>]) -> Result<Data<'a>> {
    let text = text_of("pad", &arguments[0])?;
    let side = |argument| match int_of("pad", argument)? {
        width @ 0..=PAD_MAX => Ok(width as usize),
        width => Err(bad("pad", &format!("width out of range: {width}"))),
    };
    let (before, after) = (side(&arguments[1])?, side(&arguments[2])?);
    if text.is_empty() {
        return Ok(Data::Text(""));
    }
    budget.write(|out| write!(out, "{}{text}{}", " ".repeat(before), " ".repeat(after))).map(made)
}
