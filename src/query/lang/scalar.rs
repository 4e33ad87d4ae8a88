//! Reads what is taken of a set's spans.

use crate::base::error::Result;
use crate::query::lang::expr::of_span;
use crate::query::lang::lexer::Lexer;
use crate::query::lang::parse::{STAGES, opening};
use crate::query::lang::tree::{Aggregate, ScalarExpr};

/// `count()`, `avg(..)` or the like.
pub fn aggregate(lexer: &mut Lexer<'_>, depth: usize) -> Result<ScalarExpr> {
    let start = *lexer;
    let word = lexer.word();
    if word == "count" {
        opening(lexer)?;
        lexer.skip_space();
        return match lexer.take(")") {
            true => Ok(ScalarExpr::Count),
            false => Err(lexer.expected(")")),
        };
    }
    let Some(aggregate) = Aggregate::ALL.into_iter().find(|own| own.name() == word) else {
        return Err(start.expected(STAGES));
    };
    opening(lexer)?;
    let of = of_span(lexer, depth, true)?;
    lexer.skip_space();
    match lexer.take(")") {
        true => Ok(ScalarExpr::Aggregate(aggregate, of)),
        false => Err(lexer.expected("an operator or )")),
    }
}
