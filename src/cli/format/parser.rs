//! Builds the tree of a template from its tokens.

use super::functions::{self, Function};
use super::lexer::{self, Placed, Token};
use crate::error::{self, Kind};
use anyhow::Result;
use std::collections::BTreeMap;

/// How deep blocks and parentheses may nest, and how deep templates may call each other.
pub const DEPTH_MAX: usize = 100;

pub type List = Vec<Node>;

#[derive(Debug)]
pub enum Node {
    Text(String),
    Action(Pipeline),
    If(Branch),
    With(Branch),
    Range(Branch),
    Call { name: String, pipeline: Option<Pipeline> },
    Break,
    Continue,
}

#[derive(Debug)]
pub struct Branch {
    pub pipeline: Pipeline,
    pub then: List,
    pub otherwise: List,
}

#[derive(Debug)]
pub struct Pipeline {
    pub variables: Vec<String>,
    /// `=` rather than `:=`
    pub assigns: bool,
    pub commands: Vec<Command>,
}

/// An operand or a function, and its arguments.
#[derive(Debug)]
pub struct Command {
    pub first: Operand,
    pub arguments: Vec<Operand>,
}

#[derive(Debug)]
pub enum Operand {
    Dot,
    Nil,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    /// `.A.B`, from dot
    Field(Vec<String>),
    /// `$x.A`
    Variable(String, Vec<String>),
    Function(&'static Function),
    /// `( … ).A`
    Group(Box<Pipeline>, Vec<String>),
}

#[derive(Debug)]
pub struct Tree {
    pub root: List,
    /// The bodies of `define` and `block`
    pub named: BTreeMap<String, List>,
}

impl Tree {
    /// Whether the template goes over a whole list by itself: `{{range .}}…{{end}}`.
    pub fn ranges_over_dot(&self) -> bool {
        self.root.iter().any(|node| match node {
            Node::Range(branch) => matches!(
                branch.pipeline.commands.as_slice(),
                [Command { first: Operand::Dot, arguments }] if arguments.is_empty()
            ),
            _ => false,
        })
    }
}

pub fn parse(text: &str) -> Result<Tree> {
    let mut parser = Parser {
        tokens: lexer::tokens(text)?,
        at: 0,
        depth: 0,
        loops: 0,
        variables: vec!["$".to_owned()],
        named: BTreeMap::new(),
    };
    let (root, end) = parser.list()?;
    match end {
        Stop::Text => Ok(Tree { root, named: parser.named }),
        Stop::End => Err(parser.error("unexpected {{end}}")),
        Stop::Else => Err(parser.error("unexpected {{else}}")),
    }
}

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
    depth: usize,
    loops: usize,
    variables: Vec<String>,
    named: BTreeMap<String, List>,
}

/// What ended a list of nodes; of an `else`, the word has been read and what follows it has not.
enum Stop {
    Text,
    End,
    Else,
}

impl Parser {
    fn list(&mut self) -> Result<(List, Stop)> {
        let mut nodes = List::new();
        while let Some(token) = self.next() {
            match token {
                Token::Text(text) => nodes.push(Node::Text(text)),
                _ => match self.keyword() {
                    Some("end") => {
                        self.word_close()?;
                        return Ok((nodes, Stop::End));
                    }
                    Some("else") => {
                        self.at += 1;
                        return Ok((nodes, Stop::Else));
                    }
                    Some("define") => self.define()?,
                    _ => nodes.push(self.action()?),
                },
            }
        }
        Ok((nodes, Stop::Text))
    }

    fn action(&mut self) -> Result<Node> {
        match self.keyword() {
            Some("if") => self.branch("if").map(Node::If),
            Some("with") => self.branch("with").map(Node::With),
            Some("range") => self.branch("range").map(Node::Range),
            Some("template") => self.call(),
            Some("block") => self.block(),
            Some(word @ ("break" | "continue")) => {
                let node = if word == "break" { Node::Break } else { Node::Continue };
                if self.loops == 0 {
                    return Err(self.error("{{break}} and {{continue}} belong into {{range}}"));
                }
                self.word_close()?;
                Ok(node)
            }
            _ => {
                let pipeline = self.pipeline(0)?;
                self.close()?;
                Ok(Node::Action(pipeline))
            }
        }
    }

    /// `if`, `with` and `range`, from the word to the `end`. Variables declared inside are unknown behind it.
    fn branch(&mut self, word: &'static str) -> Result<Branch> {
        self.at += 1;
        self.enter()?;
        let scope = self.variables.len();
        let pipeline = self.pipeline(if word == "range" { 2 } else { 0 })?;
        self.close()?;
        self.loops += usize::from(word == "range");
        let body = self.variables.len();
        let (then, end) = self.list()?;
        self.variables.truncate(body);
        self.loops -= usize::from(word == "range");
        let otherwise = match end {
            Stop::Text => return Err(self.error(&format!("{{{{{word}}}}} has no {{{{end}}}}"))),
            Stop::End => List::new(),
            Stop::Else => self.otherwise(word)?,
        };
        self.variables.truncate(scope);
        self.depth -= 1;
        Ok(Branch { pipeline, then, otherwise })
    }

    fn otherwise(&mut self, word: &'static str) -> Result<List> {
        match self.peek() {
            // `else if` and `else with` share the end of the chain.
            Some(Token::Word(next)) if next == word && word != "range" => {
                let branch = self.branch(word)?;
                Ok(vec![if word == "if" { Node::If(branch) } else { Node::With(branch) }])
            }
            _ => {
                self.close()?;
                match self.list()? {
                    (nodes, Stop::End) => Ok(nodes),
                    _ => Err(self.error("{{else}} has no {{end}}")),
                }
            }
        }
    }

    fn define(&mut self) -> Result<()> {
        if self.depth > 0 {
            return Err(self.error("{{define}} belongs to the top level"));
        }
        self.at += 1;
        let name = self.name()?;
        self.close()?;
        self.body(name)
    }

    fn block(&mut self) -> Result<Node> {
        self.at += 1;
        let name = self.name()?;
        let pipeline = Some(self.pipeline(0)?);
        self.close()?;
        self.body(name.clone())?;
        Ok(Node::Call { name, pipeline })
    }

    /// The body of a named template, in which no outer variable but `$` is known.
    fn body(&mut self, name: String) -> Result<()> {
        self.enter()?;
        let outer = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let loops = std::mem::take(&mut self.loops);
        let (nodes, end) = self.list()?;
        if !matches!(end, Stop::End) {
            return Err(self.error(&format!("template {name:?} has no {{{{end}}}}")));
        }
        (self.variables, self.loops) = (outer, loops);
        self.depth -= 1;
        self.named.insert(name, nodes);
        Ok(())
    }

    fn call(&mut self) -> Result<Node> {
        self.at += 1;
        let name = self.name()?;
        let pipeline = match self.peek() {
            Some(Token::Close) => None,
            _ => Some(self.pipeline(0)?),
        };
        self.close()?;
        Ok(Node::Call { name, pipeline })
    }

    /// A pipeline up to the token that ends it. `range` alone may declare two variables.
    fn pipeline(&mut self, variables_max: usize) -> Result<Pipeline> {
        let (variables, assigns) = self.declarations(variables_max)?;
        let mut commands = vec![self.command()?];
        while self.peek() == Some(&Token::Pipe) {
            self.at += 1;
            let command = self.command()?;
            if matches!(command.first, Operand::Bool(_) | Operand::Int(_) | Operand::Float(_) | Operand::Text(_)) {
                return Err(self.error("a constant cannot take the result of a pipeline"));
            }
            commands.push(command);
        }
        if !assigns {
            self.variables.extend(variables.iter().cloned());
        }
        Ok(Pipeline { variables, assigns, commands })
    }

    fn declarations(&mut self, variables_max: usize) -> Result<(Vec<String>, bool)> {
        let mut names = Vec::new();
        let start = self.at;
        while let Some(Token::Variable(name)) = self.peek() {
            names.push(name.clone());
            self.at += 1;
            match self.peek() {
                Some(Token::Comma) if variables_max > names.len() => self.at += 1,
                Some(Token::Comma) => return Err(self.error("too many variables are declared")),
                Some(Token::Declare) => {
                    self.at += 1;
                    return Ok((names, false));
                }
                Some(Token::Assign) => {
                    self.at += 1;
                    names.iter().try_for_each(|name| self.known(name))?;
                    return Ok((names, true));
                }
                _ if names.len() == 1 => break,
                _ => return Err(self.error("range wants := or = behind its variables")),
            }
        }
        self.at = start;
        Ok((Vec::new(), false))
    }

    fn command(&mut self) -> Result<Command> {
        let first = self.operand()?;
        let mut arguments = Vec::new();
        while !matches!(self.peek(), Some(Token::Close | Token::CloseParen | Token::Pipe) | None) {
            if !self.tokens[self.at].spaced {
                return Err(self.error("white space is missing between arguments"));
            }
            arguments.push(self.operand()?);
        }
        Ok(Command { first, arguments })
    }

    fn operand(&mut self) -> Result<Operand> {
        let operand = match self.next() {
            Some(Token::Dot) => Operand::Dot,
            Some(Token::Field(name)) => Operand::Field(self.chain(vec![name])),
            Some(Token::Variable(name)) => {
                self.known(&name)?;
                Operand::Variable(name, self.chain(Vec::new()))
            }
            Some(Token::Quoted(text)) => Operand::Text(text),
            Some(Token::Int(number)) => Operand::Int(number),
            Some(Token::Float(number)) => Operand::Float(number),
            Some(Token::OpenParen) => self.group()?,
            Some(Token::Word(word)) => match word.as_str() {
                "true" => Operand::Bool(true),
                "false" => Operand::Bool(false),
                "nil" => Operand::Nil,
                _ => Operand::Function(self.function(&word)?),
            },
            Some(Token::Close) | None => return Err(self.error("a value is missing")),
            Some(token) => return Err(self.error(&format!("unexpected {}", token.describe()))),
        };
        Ok(operand)
    }

    fn function(&self, word: &str) -> Result<&'static Function> {
        functions::find(word).ok_or_else(|| {
            let message = self.placed(&format!("there is no function {word:?}"));
            match error::nearest(word, functions::names()) {
                Some(name) => Kind::BadInput.hinted(message, format!("write {name}")),
                None => Kind::BadInput.error(message),
            }
        })
    }

    fn group(&mut self) -> Result<Operand> {
        self.enter()?;
        let pipeline = self.pipeline(0)?;
        if self.next() != Some(Token::CloseParen) {
            return Err(self.error("a parenthesis is not closed"));
        }
        self.depth -= 1;
        Ok(Operand::Group(Box::new(pipeline), self.chain(Vec::new())))
    }

    /// The fields that follow an operand without white space.
    fn chain(&mut self, mut names: Vec<String>) -> Vec<String> {
        while let Some(Placed { token: Token::Field(name), spaced: false, .. }) = self.tokens.get(self.at) {
            names.push(name.clone());
            self.at += 1;
        }
        names
    }

    fn known(&self, name: &str) -> Result<()> {
        match self.variables.iter().any(|known| known == name) {
            true => Ok(()),
            false => Err(self.error(&format!("undefined variable {name}"))),
        }
    }

    fn name(&mut self) -> Result<String> {
        match self.next() {
            Some(Token::Quoted(name)) => Ok(name),
            _ => Err(self.error("a template is named by a string")),
        }
    }

    fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error(&format!("nested deeper than {DEPTH_MAX} levels")));
        }
        Ok(())
    }

    fn keyword(&self) -> Option<&str> {
        match self.peek() {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn word_close(&mut self) -> Result<()> {
        self.at += 1;
        self.close()
    }

    fn close(&mut self) -> Result<()> {
        match self.next() {
            Some(Token::Close) => Ok(()),
            Some(token) => Err(self.error(&format!("unexpected {}", token.describe()))),
            None => Err(self.error("an action is not closed with }}")),
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|placed| &placed.token)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += usize::from(token.is_some());
        token
    }

    fn error(&self, message: &str) -> anyhow::Error {
        Kind::BadInput.error(self.placed(message))
    }

    fn placed(&self, message: &str) -> String {
        let line = self.tokens.get(self.at.saturating_sub(1)).map_or(1, |placed| placed.line);
        format!("template: line {line}: {message}")
    }
}
