//! The headings of `table` templates, taken from the fields that the columns name.

use super::parser::{Command, List, Node, Operand, Pipeline, Tree};

pub fn line(tree: &Tree, given: &dyn Fn(&str) -> Option<String>) -> String {
    let mut line = String::new();
    list(&tree.root, given, &mut line);
    line
}

fn list(nodes: &List, given: &dyn Fn(&str) -> Option<String>, line: &mut String) {
    for node in nodes {
        match node {
            Node::Text(text) => line.push_str(text),
            Node::Action(action) if action.variables.is_empty() => {
                line.push_str(&pipeline(action, given).unwrap_or_default());
            }
            // What a loop prints belongs to the list that it goes over.
            Node::Range(branch) if branch.pipeline.commands.iter().any(|command| !is_dot(command)) => {
                line.push_str(&pipeline(&branch.pipeline, given).unwrap_or_default());
            }
            Node::If(branch) | Node::With(branch) | Node::Range(branch) => list(&branch.then, given, line),
            Node::Action(_) | Node::Call { .. } | Node::Break | Node::Continue => {}
        }
    }
}

fn is_dot(command: &Command) -> bool {
    matches!(command.first, Operand::Dot) && command.arguments.is_empty()
}

/// The first field that a pipeline names, else the first string in it.
fn pipeline(pipeline: &Pipeline, given: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let operands =
        || pipeline.commands.iter().flat_map(|command| std::iter::once(&command.first).chain(&command.arguments));
    let label = pipeline.commands.iter().find_map(label);
    label.or_else(|| operands().find_map(|operand| field(operand, given))).or_else(|| {
        operands().find_map(|operand| match operand {
            Operand::Text(text) => Some(text.clone()),
            _ => None,
        })
    })
}

/// `.Label "org.shop.tier"` is headed by the last part of the key, as docker does it.
fn label(command: &Command) -> Option<String> {
    match (&command.first, command.arguments.as_slice()) {
        (Operand::Field(path), [Operand::Text(key)]) if path.last().is_some_and(|name| name == "Label") => {
            Some(key.rsplit('.').next().unwrap_or(key).replace(['-', '_'], " "))
        }
        _ => None,
    }
}

fn field(operand: &Operand, given: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let path = match operand {
        Operand::Field(path) | Operand::Variable(_, path) => path,
        Operand::Group(inner, path) if path.is_empty() => return pipeline(inner, given),
        Operand::Group(_, path) => path,
        _ => return None,
    };
    let name = path.last()?;
    Some(given(name).unwrap_or_else(|| words(name).join(" ").to_uppercase()))
}

/// `CreatedAt` is `Created`, `At`; `ImageID` is `Image`, `ID`; `IPAddress` is `IP`, `Address`.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for (at, letter) in letters.iter().enumerate() {
        let previous = at.checked_sub(1).map(|at| letters[at]);
        let next = letters.get(at + 1);
        let starts = match previous {
            None => true,
            Some(previous) if letter.is_uppercase() => {
                !previous.is_uppercase() || next.is_some_and(|next| next.is_lowercase())
            }
            Some(previous) => letter.is_ascii_digit() != previous.is_ascii_digit(),
        };
        match words.last_mut() {
            Some(word) if !starts => word.push(*letter),
            _ => words.push(letter.to_string()),
        }
    }
    words
}
