//! Renders a parsed template within named limits, so that no template can hang or fill the memory.

use super::functions::{self, Run as Body};
use super::parser::{Branch, Command, DEPTH_MAX, List, Node, Operand, Pipeline, Tree};
use super::value::{Data, sorted};
use super::{Names, fields};
use crate::error::Kind;
use anyhow::Result;
use std::fmt::{self, Write};

const OUTPUT_BYTES_MAX: usize = 64 << 20;
const STEPS_MAX: usize = 10_000_000;
/// What all strings and lists that functions make may weigh together.
const MADE_BYTES_MAX: usize = 64 << 20;
/// Walking this many bytes of text counts as one step.
const BYTES_PER_STEP: usize = 64;
/// So many pieces of text, empty ones too, that a function puts together count as one step.
const PIECES_PER_STEP: usize = 16;

/// What is left of the limits of one rendering.
pub struct Budget {
    steps: usize,
    made_bytes: usize,
}

impl Budget {
    fn new() -> Self {
        Self { steps: STEPS_MAX, made_bytes: MADE_BYTES_MAX }
    }

    /// Pays for one step that looks at `bytes` of text.
    pub fn step(&mut self, bytes: usize) -> Result<()> {
        match self.steps.checked_sub(1 + bytes / BYTES_PER_STEP) {
            Some(steps) => self.steps = steps,
            None => return Err(Kind::BadInput.error(format!("template: takes more than {STEPS_MAX} steps"))),
        }
        Ok(())
    }

    /// Pays for text or a list that is about to be made.
    pub fn make(&mut self, bytes: usize) -> Result<()> {
        match self.made_bytes.checked_sub(bytes) {
            Some(rest) => self.made_bytes = rest,
            None => return Err(too_long(MADE_BYTES_MAX)),
        }
        self.step(bytes)
    }

    /// Runs `write` into a new string of at most what is left, and pays for it.
    pub fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> fmt::Result) -> Result<String> {
        let pieces_max = self.steps * PIECES_PER_STEP;
        let mut made = Limited { text: String::new(), bytes_max: self.made_bytes, pieces: pieces_max };
        let written = write(&mut made);
        self.step((pieces_max - made.pieces) / PIECES_PER_STEP * BYTES_PER_STEP)?;
        written.map_err(|_| too_long(MADE_BYTES_MAX))?;
        self.make(made.text.len())?;
        Ok(made.text)
    }
}

fn too_long(bytes_max: usize) -> anyhow::Error {
    Kind::BadInput.error(format!("template: makes more than {} MiB of text", bytes_max >> 20))
}

/// A string that refuses to grow beyond its limit, and to be put together of more pieces than are left.
struct Limited {
    text: String,
    bytes_max: usize,
    pieces: usize,
}

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() > self.bytes_max - self.text.len() {
            return Err(fmt::Error);
        }
        self.pieces = self.pieces.checked_sub(1).ok_or(fmt::Error)?;
        self.text.push_str(text);
        Ok(())
    }
}

/// What a list of nodes tells the `range` around it.
#[derive(PartialEq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// One rendering: the values of one template's run, or of its runs over several rows.
pub struct Run<'a> {
    tree: &'a Tree,
    names: Names,
    variables: Vec<(&'a str, Data<'a>)>,
    depth: usize,
    budget: Budget,
    out: Limited,
}

impl<'a> Run<'a> {
    pub fn new(tree: &'a Tree, names: Names) -> Self {
        // Each node has paid for its step already.
        let out = Limited { text: String::new(), bytes_max: OUTPUT_BYTES_MAX, pieces: usize::MAX };
        Self { tree, names, variables: Vec::new(), depth: 0, budget: Budget::new(), out }
    }

    /// Appends the rendering of `data`.
    pub fn render(&mut self, data: Data<'a>) -> Result<()> {
        self.variables = vec![("$", data.clone())];
        self.walk(&self.tree.root, &data)?;
        Ok(())
    }

    pub fn emit(&mut self, text: &str) -> Result<()> {
        self.out.write_str(text).map_err(|_| too_long(OUTPUT_BYTES_MAX))
    }

    pub fn finish(self) -> String {
        self.out.text
    }

    fn walk(&mut self, list: &'a List, dot: &Data<'a>) -> Result<Flow> {
        self.enter()?;
        for node in list {
            self.budget.step(0)?;
            let flow = self.node(node, dot)?;
            if flow != Flow::Next {
                self.depth -= 1;
                return Ok(flow);
            }
        }
        self.depth -= 1;
        Ok(Flow::Next)
    }

    fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        match self.depth > 2 * DEPTH_MAX {
            true => Err(Kind::BadInput.error(format!("template: nested deeper than {} levels", 2 * DEPTH_MAX))),
            false => Ok(()),
        }
    }

    fn node(&mut self, node: &'a Node, dot: &Data<'a>) -> Result<Flow> {
        match node {
            Node::Text(text) => self.emit(text)?,
            Node::Action(pipeline) => {
                let data = self.pipeline(pipeline, dot)?;
                if pipeline.variables.is_empty() {
                    data.print(&mut self.out).map_err(|_| too_long(OUTPUT_BYTES_MAX))?;
                }
            }
            Node::If(branch) => return self.conditional(branch, dot, false),
            Node::With(branch) => return self.conditional(branch, dot, true),
            Node::Range(branch) => return self.range(branch, dot),
            Node::Call { name, pipeline } => self.call(name, pipeline.as_ref(), dot)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn conditional(&mut self, branch: &'a Branch, dot: &Data<'a>, moves_dot: bool) -> Result<Flow> {
        let scope = self.variables.len();
        let data = self.pipeline(&branch.pipeline, dot)?;
        let flow = match data.truth() {
            true => self.walk(&branch.then, if moves_dot { &data } else { dot }),
            false => self.walk(&branch.otherwise, dot),
        };
        self.variables.truncate(scope);
        flow
    }

    fn range(&mut self, branch: &'a Branch, dot: &Data<'a>) -> Result<Flow> {
        let scope = self.variables.len();
        let data = self.commands(&branch.pipeline, dot)?;
        let mut looped = Looped { run: self, branch, turns: 0 };
        match &data {
            Data::Missing | Data::Nil => {}
            Data::List(_) | Data::MadeList(_) => {
                let Some(items) = data.items() else { return Ok(Flow::Next) };
                for at in 0..items.len() {
                    let Some(item) = items.get(at) else { break };
                    if looped.turn(Data::Int(at as i128), item)? == Flow::Break {
                        break;
                    }
                }
            }
            Data::Object(fields) => {
                looped.run.budget.step(BYTES_PER_STEP * fields.len())?;
                for (name, value) in sorted(fields) {
                    if looped.turn(Data::Text(name), Data::from(value))? == Flow::Break {
                        break;
                    }
                }
            }
            Data::Int(count) => {
                for number in 0..*count {
                    if looped.turn(Data::Int(number), Data::Int(number))? == Flow::Break {
                        break;
                    }
                }
            }
            other => return Err(bad(format!("range can't iterate over a {}", other.kind()))),
        }
        let flow = match looped.turns {
            0 => self.walk(&branch.otherwise, dot)?,
            _ => Flow::Next,
        };
        self.variables.truncate(scope);
        Ok(flow)
    }

    fn call(&mut self, name: &str, pipeline: Option<&'a Pipeline>, dot: &Data<'a>) -> Result<()> {
        let tree = self.tree;
        let body = tree.named.get(name).ok_or_else(|| bad(format!("there is no template {name:?}")))?;
        let data = match pipeline {
            Some(pipeline) => self.pipeline(pipeline, dot)?,
            None => Data::Missing,
        };
        let outer = std::mem::replace(&mut self.variables, vec![("$", data.clone())]);
        self.walk(body, &data)?;
        self.variables = outer;
        Ok(())
    }

    /// The value of a pipeline, given to its variables.
    fn pipeline(&mut self, pipeline: &'a Pipeline, dot: &Data<'a>) -> Result<Data<'a>> {
        let data = self.commands(pipeline, dot)?;
        for name in &pipeline.variables {
            self.set(name, data.clone(), pipeline.assigns);
        }
        Ok(data)
    }

    fn set(&mut self, name: &'a str, data: Data<'a>, assigns: bool) {
        match self.variables.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, slot)) if assigns => *slot = data,
            _ => self.variables.push((name, data)),
        }
    }

    fn commands(&mut self, pipeline: &'a Pipeline, dot: &Data<'a>) -> Result<Data<'a>> {
        let mut last = None;
        for command in &pipeline.commands {
            self.budget.step(0)?;
            last = Some(self.command(command, dot, last)?);
        }
        Ok(last.unwrap_or(Data::Nil))
    }

    /// A command's value; `last` is that of the command piped into it, its final argument.
    fn command(&mut self, command: &'a Command, dot: &Data<'a>, last: Option<Data<'a>>) -> Result<Data<'a>> {
        match &command.first {
            Operand::Function(function) => match function.body {
                Body::Plain(body) => {
                    let mut arguments = Vec::with_capacity(command.arguments.len() + 1);
                    for argument in &command.arguments {
                        arguments.push(self.operand(argument, dot)?);
                    }
                    arguments.extend(last);
                    functions::check(function, arguments.len())?;
                    self.budget.step(arguments.iter().map(Data::weight).sum())?;
                    body(&mut self.budget, &arguments)
                }
                Body::Until(stop) => self.until(stop, command, dot, last),
            },
            _ if command.arguments.is_empty() && last.is_none() => match command.first {
                Operand::Nil => Err(bad("nil is not a command")),
                _ => self.operand(&command.first, dot),
            },
            first => self.label(first, &command.arguments, dot, last),
        }
    }

    /// `and` and `or`: the first argument whose truth is `stop`, else the last one; none behind it is evaluated.
    fn until(
        &mut self,
        stop: bool,
        command: &'a Command,
        dot: &Data<'a>,
        last: Option<Data<'a>>,
    ) -> Result<Data<'a>> {
        let mut result = None;
        for argument in &command.arguments {
            let data = self.operand(argument, dot)?;
            if data.truth() == stop {
                return Ok(data);
            }
            result = Some(data);
        }
        last.or(result).ok_or_else(|| bad("and and or want an argument"))
    }

    /// `.Label "key"`, the one field that takes an argument: the value of that label or nothing.
    fn label(
        &mut self,
        first: &'a Operand,
        arguments: &'a [Operand],
        dot: &Data<'a>,
        last: Option<Data<'a>>,
    ) -> Result<Data<'a>> {
        let (start, path) = match first {
            Operand::Field(path) => (dot.clone(), path),
            Operand::Variable(name, path) => (self.variable(name)?, path),
            Operand::Group(pipeline, path) => (self.pipeline(pipeline, dot)?, path),
            _ => return Err(bad("only a function takes arguments")),
        };
        let Some((name, path)) = path.split_last() else { return Err(bad("only a function takes arguments")) };
        if name != "Label" {
            return Err(bad(format!("{name} has arguments but is not a function")));
        }
        let key = match (arguments, last) {
            ([key], None) => self.operand(key, dot)?,
            ([], Some(key)) => key,
            _ => return Err(bad("Label wants one argument")),
        };
        let key = key.text().ok_or_else(|| bad("Label wants a string"))?;
        let holder = fields::follow(self.names, start, path)?;
        match fields::follow(self.names, holder, &["Labels".to_owned()])? {
            Data::Object(labels) => Ok(labels.get(key).map_or(Data::Text(""), Data::from)),
            // docker's rows have them as text: `KEY=VALUE,…`.
            Data::Text(labels) => {
                let value =
                    labels.split(',').find_map(|label| label.split_once('=').filter(|(name, _)| *name == key));
                Ok(value.map_or(Data::Text(""), |(_, value)| Data::Text(value)))
            }
            _ => Ok(Data::Text("")),
        }
    }

    fn operand(&mut self, operand: &'a Operand, dot: &Data<'a>) -> Result<Data<'a>> {
        self.budget.step(0)?;
        match operand {
            Operand::Dot => Ok(dot.clone()),
            Operand::Nil => Ok(Data::Nil),
            Operand::Bool(truth) => Ok(Data::Bool(*truth)),
            Operand::Int(number) => Ok(Data::Int(*number)),
            Operand::Float(number) => Ok(Data::Float(*number)),
            Operand::Text(text) => Ok(Data::Text(text)),
            Operand::Field(path) => fields::follow(self.names, dot.clone(), path),
            Operand::Variable(name, path) => fields::follow(self.names, self.variable(name)?, path),
            Operand::Function(function) => match function.body {
                Body::Plain(body) => {
                    functions::check(function, 0)?;
                    body(&mut self.budget, &[])
                }
                Body::Until(_) => Err(bad(format!("{} wants an argument", function.name))),
            },
            Operand::Group(pipeline, path) => {
                self.enter()?;
                let data = self.pipeline(pipeline, dot)?;
                self.depth -= 1;
                fields::follow(self.names, data, path)
            }
        }
    }

    fn variable(&self, name: &str) -> Result<Data<'a>> {
        let found = self.variables.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, data)| data.clone()).ok_or_else(|| bad(format!("undefined variable {name}")))
    }
}

/// The turns of one `range`.
struct Looped<'r, 'a> {
    run: &'r mut Run<'a>,
    branch: &'a Branch,
    turns: usize,
}

impl<'a> Looped<'_, 'a> {
    fn turn(&mut self, key: Data<'a>, value: Data<'a>) -> Result<Flow> {
        self.turns += 1;
        self.run.budget.step(0)?;
        let scope = self.run.variables.len();
        let Pipeline { variables, assigns, .. } = &self.branch.pipeline;
        match variables.as_slice() {
            [] => {}
            [name] => self.run.set(name, value.clone(), *assigns),
            [first, second, ..] => {
                self.run.set(first, key, *assigns);
                self.run.set(second, value.clone(), *assigns);
            }
        }
        let flow = self.run.walk(&self.branch.then, &value);
        self.run.variables.truncate(scope);
        flow
    }
}

fn bad(message: impl fmt::Display) -> anyhow::Error {
    Kind::BadInput.error(format!("template: {message}"))
}
