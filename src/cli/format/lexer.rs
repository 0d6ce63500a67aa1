//! Cuts a template into tokens (Go's text/template, section "Text and spaces" and "Actions").

use crate::error::Kind;
use anyhow::Result;

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// Text outside actions, after trimming.
    Text(String),
    /// `{{`
    Open,
    /// `}}`
    Close,
    /// `.` alone
    Dot,
    /// `.Name`, without its dot
    Field(String),
    /// `$` or `$name`, with its dollar
    Variable(String),
    /// A keyword or the name of a function
    Word(String),
    /// A string constant, decoded
    Quoted(String),
    Int(i128),
    Float(f64),
    Pipe,
    Declare,
    Assign,
    Comma,
    OpenParen,
    CloseParen,
}

/// A token, where it stands, and whether white space divides it from the one before.
#[derive(Clone, Debug)]
pub struct Placed {
    pub token: Token,
    pub line: usize,
    pub spaced: bool,
}

impl Token {
    /// As an error message shows it.
    pub fn describe(&self) -> String {
        match self {
            Self::Text(_) => "text".to_owned(),
            Self::Open => "{{".to_owned(),
            Self::Close => "}}".to_owned(),
            Self::Dot => ".".to_owned(),
            Self::Field(name) => format!(".{name}"),
            Self::Variable(name) | Self::Word(name) => name.clone(),
            Self::Quoted(text) => format!("{text:?}"),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Pipe => "|".to_owned(),
            Self::Declare => ":=".to_owned(),
            Self::Assign => "=".to_owned(),
            Self::Comma => ",".to_owned(),
            Self::OpenParen => "(".to_owned(),
            Self::CloseParen => ")".to_owned(),
        }
    }
}

/// Cuts the whole of `text`; errors name the line.
pub fn tokens(text: &str) -> Result<Vec<Placed>> {
    let mut lexer = Lexer { rest: text, line: 1, tokens: Vec::new() };
    let mut trim_start = false;
    while let Some(at) = lexer.rest.find("{{") {
        let (text, rest) = lexer.rest.split_at(at);
        let trim_end = rest[2..].starts_with('-') && rest[3..].starts_with(is_space);
        lexer.text(text, trim_start, trim_end);
        lexer.rest = &rest[if trim_end { 3 } else { 2 }..];
        trim_start = lexer.action()?;
    }
    let rest = lexer.rest;
    lexer.text(rest, trim_start, false);
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Placed>,
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

impl<'a> Lexer<'a> {
    fn push(&mut self, token: Token, spaced: bool) {
        self.tokens.push(Placed { token, line: self.line, spaced });
    }

    fn text(&mut self, text: &str, trim_start: bool, trim_end: bool) {
        let lines = text.matches('\n').count();
        let text = if trim_start { text.trim_start_matches(is_space) } else { text };
        let text = if trim_end { text.trim_end_matches(is_space) } else { text };
        if !text.is_empty() {
            self.push(Token::Text(text.to_owned()), false);
        }
        self.line += lines;
    }

    /// Lexes one action from behind its opening braces; says whether it ends in a trim marker.
    fn action(&mut self) -> Result<bool> {
        if let Some(trims) = self.comment()? {
            return Ok(trims);
        }
        self.push(Token::Open, false);
        let mut depth = 0usize;
        loop {
            let before = self.rest.len();
            self.rest = self.rest.trim_start_matches(|character| {
                self.line += usize::from(character == '\n');
                is_space(character)
            });
            let spaced = self.rest.len() < before;
            let trims = spaced && self.rest.starts_with("-}}");
            if trims || self.rest.starts_with("}}") {
                if depth > 0 {
                    return Err(self.error("a parenthesis is not closed"));
                }
                self.rest = &self.rest[if trims { 3 } else { 2 }..];
                self.push(Token::Close, spaced);
                return Ok(trims);
            }
            let token = self.token()?;
            match token {
                Token::OpenParen => depth += 1,
                Token::CloseParen if depth == 0 => return Err(self.error("unexpected \")\"")),
                Token::CloseParen => depth -= 1,
                _ => {}
            }
            self.push(token, spaced);
        }
    }

    /// `/* … */` must fill its action.
    fn comment(&mut self) -> Result<Option<bool>> {
        let Some(body) = self.rest.trim_start_matches(is_space).strip_prefix("/*") else { return Ok(None) };
        let Some((comment, rest)) = body.split_once("*/") else { return Err(self.error("a comment is not closed")) };
        self.line += comment.matches('\n').count();
        let tail = rest.trim_start_matches(is_space);
        if let Some(rest) = tail.strip_prefix("-}}").filter(|_| tail.len() < rest.len()) {
            self.rest = rest;
            return Ok(Some(true));
        }
        self.rest = rest.strip_prefix("}}").ok_or_else(|| self.error("a comment must end its action"))?;
        Ok(Some(false))
    }

    fn token(&mut self) -> Result<Token> {
        let Some(first) = self.rest.chars().next() else { return Err(self.error("an action is not closed with }}")) };
        let second = self.rest[first.len_utf8()..].chars().next();
        let token = match first {
            ':' if second == Some('=') => return Ok(self.take(2, Token::Declare)),
            '=' => Token::Assign,
            '|' => Token::Pipe,
            ',' => Token::Comma,
            '(' => Token::OpenParen,
            ')' => Token::CloseParen,
            '"' => return self.quoted('"').map(Token::Quoted),
            '`' => return self.raw(),
            '\'' => return self.character(),
            '.' if second.is_none_or(|next| !is_word(next)) => Token::Dot,
            '.' if !second.is_some_and(|next| next.is_ascii_digit()) => {
                self.rest = &self.rest[1..];
                return Ok(Token::Field(self.word().to_owned()));
            }
            '$' => {
                self.rest = &self.rest[1..];
                return Ok(Token::Variable(format!("${}", self.word())));
            }
            '+' | '-' | '.' | '0'..='9' => return self.number(),
            _ if is_word(first) => return Ok(Token::Word(self.word().to_owned())),
            _ => return Err(self.error(&format!("unexpected {first:?} in an action"))),
        };
        Ok(self.take(1, token))
    }

    fn take(&mut self, bytes: usize, token: Token) -> Token {
        self.rest = &self.rest[bytes..];
        token
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|character| !is_word(character)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn raw(&mut self) -> Result<Token> {
        let Some((text, rest)) = self.rest[1..].split_once('`') else {
            return Err(self.error("a raw string is not closed"));
        };
        self.line += text.matches('\n').count();
        self.rest = rest;
        Ok(Token::Quoted(text.replace('\r', "")))
    }

    fn character(&mut self) -> Result<Token> {
        let text = self.quoted('\'')?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(Token::Int(i128::from(u32::from(character)))),
            _ => Err(self.error("a character constant holds exactly one character")),
        }
    }

    /// An interpreted string or character constant (Go specification, "String literals").
    fn quoted(&mut self, quote: char) -> Result<String> {
        let mut bytes = Vec::new();
        let mut characters = self.rest[1..].char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '\n' => break,
                _ if character == quote => {
                    self.rest = &self.rest[1 + at + 1..];
                    return Ok(String::from_utf8_lossy(&bytes).into_owned());
                }
                '\\' => {
                    let length = escape(characters.as_str(), quote, &mut bytes)
                        .ok_or_else(|| self.error("a string has an unknown escape"))?;
                    characters.nth(length - 1);
                }
                _ => bytes.extend(character.encode_utf8(&mut [0; 4]).bytes()),
            }
        }
        Err(self.error("a string is not closed"))
    }

    fn number(&mut self) -> Result<Token> {
        let mut previous = ' ';
        let end = self.rest.char_indices().find(|&(at, character)| {
            let sign = matches!(character, '+' | '-') && (at == 0 || matches!(previous, 'e' | 'E'));
            previous = character;
            !(sign || character == '.' || is_word(character))
        });
        let (text, rest) = self.rest.split_at(end.map_or(self.rest.len(), |(at, _)| at));
        let token = number(text).ok_or_else(|| self.error(&format!("{text:?} is not a number")))?;
        self.rest = rest;
        Ok(token)
    }

    fn error(&self, message: &str) -> anyhow::Error {
        Kind::BadInput.error(format!("template: line {}: {message}", self.line))
    }
}

/// Decodes what follows a backslash into `bytes`; answers how many characters it took.
fn escape(rest: &str, quote: char, bytes: &mut Vec<u8>) -> Option<usize> {
    let first = rest.chars().next()?;
    let simple = match first {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        _ if first == quote => u8::try_from(quote).ok()?,
        '0'..='7' => {
            bytes.push(u8::from_str_radix(rest.get(..3)?, 8).ok()?);
            return Some(3);
        }
        'x' => {
            bytes.push(u8::from_str_radix(hex_digits(rest, 2)?, 16).ok()?);
            return Some(3);
        }
        'u' | 'U' => {
            let length = if first == 'u' { 4 } else { 8 };
            let code = u32::from_str_radix(hex_digits(rest, length)?, 16).ok()?;
            bytes.extend(char::from_u32(code)?.encode_utf8(&mut [0; 4]).bytes());
            return Some(length + 1);
        }
        _ => return None,
    };
    bytes.push(simple);
    Some(1)
}

fn hex_digits(rest: &str, length: usize) -> Option<&str> {
    rest.get(1..=length).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A number as Go writes them: decimal, `0x`, `0o`, `0b`, leading-zero octal, or floating point.
fn number(text: &str) -> Option<Token> {
    let (sign, digits) = match text.as_bytes()[0] {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let digits = digits.replace('_', "").to_ascii_lowercase();
    let radix =
        |prefix: &str, radix| digits.strip_prefix(prefix).map(|digits| i64::from_str_radix(digits, radix).ok());
    let integer = if let Some(based) = radix("0x", 16).or(radix("0o", 8)).or(radix("0b", 2)) {
        Some(based?)
    } else if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Some(i64::from_str_radix(&digits, 8).ok()?)
    } else if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Some(digits.parse().ok()?)
    } else {
        None
    };
    if let Some(integer) = integer {
        return Some(Token::Int(sign * i128::from(integer)));
    }
    let is_float = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'+' | b'-'));
    let float: f64 = digits.parse().ok().filter(|_| is_float)?;
    Some(Token::Float(if sign < 0 { -float } else { float })).filter(|_| float.is_finite())
}
