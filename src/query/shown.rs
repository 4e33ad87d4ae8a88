//! Conditions as text, for people: what a plan says it looks for.

use std::fmt::{Display, Formatter, Result, Write};

use crate::base::number::Number;
use crate::query::ast::{Check, Compare, Expr, Field, Test};
use crate::query::lang::tree::Literal;

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (parts, token, none) = match self {
            Self::And(parts) => (parts, " && ", "true"),
            Self::Or(parts) => (parts, " || ", "false"),
            Self::Not(inner) => return write!(f, "!({inner})"),
            Self::Test(test) => return test.fmt(f),
            Self::Computed(computed) => return computed.expr.fmt(f),
        };
        if parts.is_empty() {
            return f.write_str(none);
        }
        for (index, part) in parts.iter().enumerate() {
            f.write_str(if index > 0 { token } else { "" })?;
            match part {
                Self::And(inner) | Self::Or(inner) if inner.len() > 1 => write!(f, "({part})")?,
                Self::Computed(_) => write!(f, "({part})")?,
                part => part.fmt(f)?,
            }
        }
        Ok(())
    }
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.field.fmt(f)?;
        f.write_char(' ')?;
        let compared = |f: &mut Formatter<'_>, compare: Compare, literal: Literal| {
            write!(f, "{compare} {literal}")
        };
        match &self.check {
            Check::Exists => f.write_str("!= nil"),
            Check::Absent => f.write_str("= nil"),
            Check::Number(compare, Number::Int(nanos)) if self.is_of_time() => {
                compared(f, *compare, Literal::Duration(*nanos))
            }
            Check::Number(compare, number) => compared(f, *compare, Literal::Number(*number)),
            Check::Nanos(compare, nanos) => write!(f, "{compare} {nanos}ns"),
            Check::Text(compare, text) => compared(f, *compare, Literal::Text(text.clone())),
            Check::Bool(compare, truth) => compared(f, *compare, Literal::Bool(*truth)),
            Check::Code(compare, code) => compared(
                f,
                *compare,
                match self.field {
                    Field::Kind => Literal::Kind(*code),
                    _ => Literal::Status(*code),
                },
            ),
            Check::Pattern { regex, negated } => {
                let text = regex.as_str();
                let own = text.strip_prefix(r"\A(?:").and_then(|text| text.strip_suffix(r")\z"));
                f.write_str(if *negated { "!~ " } else { "=~ " })?;
                Literal::Text(own.unwrap_or(text).into()).fmt(f)
            }
        }
    }
}

impl Test {
    const fn is_of_time(&self) -> bool {
        matches!(self.field, Field::Duration | Field::TraceDuration | Field::EventTimeSinceStart)
    }
}
