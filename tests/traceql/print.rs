//! Trees as text, in ways that mean the same: more or fewer spaces, either quotes, parentheses too
//! many, all spellings of an intrinsic.

mod exprs;

use crate::generate::Level;
use crate::grammar::{Aggregate, Join, Pipeline, Query, Scalar, ScalarPipes, Spans, Stage};

/// The text of a query. A `style` of zero is the plainest, the first spelling of everything.
pub fn text(query: &Query, style: u64, level: Level) -> String {
    let mut printer = Printer { out: String::new(), style, level };
    printer.query(query);
    printer.out
}

struct Printer {
    out: String,
    style: u64,
    level: Level,
}

impl Printer {
    /// One of so many ways; the first in plain style.
    fn choose(&mut self, ways: u64) -> u64 {
        if self.style == 0 {
            return 0;
        }
        // xorshift64.
        self.style ^= self.style << 13;
        self.style ^= self.style >> 7;
        self.style ^= self.style << 17;
        self.style % ways
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// A space, or another kind of it.
    fn space(&mut self) {
        let space = [" ", " ", " ", "  ", "\n", "\t"][self.choose(6) as usize];
        self.put(space);
    }

    /// A space that need not be.
    fn gap(&mut self) {
        if self.choose(3) != 1 {
            self.space();
        }
    }

    /// In parentheses, if it must be, or by chance.
    fn grouped(&mut self, needed: bool, print: impl FnOnce(&mut Self)) {
        let grouped = needed || self.choose(8) == 1;
        if grouped {
            self.put("(");
        }
        print(self);
        if grouped {
            self.put(")");
        }
    }

    fn list<T>(&mut self, items: &[T], mut print: impl FnMut(&mut Self, &T)) {
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                self.put(",");
                self.gap();
            }
            print(self, item);
        }
    }

    fn query(&mut self, query: &Query) {
        match query {
            Query::Pipeline(pipeline) => self.pipeline(pipeline),
            Query::Scalars(left, how, right) => {
                self.scalar_pipes(left, 0);
                self.space();
                self.put(how.text());
                self.space();
                self.scalar_pipes(right, 0);
            }
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        for (place, stage) in pipeline.0.iter().enumerate() {
            if place > 0 {
                self.gap();
                self.put("|");
                self.gap();
            }
            self.stage(stage);
        }
    }

    fn stage(&mut self, stage: &Stage) {
        match stage {
            Stage::Spans(spans) => self.spans(spans, 0),
            Stage::Filter(left, how, right) => {
                self.scalar(left, 0);
                self.gap();
                self.put(how.text());
                self.gap();
                self.scalar(right, 0);
            }
            Stage::By(exprs) => {
                self.put("by(");
                self.list(exprs, |printer, expr| printer.expr(expr, 0));
                self.put(")");
            }
            Stage::Coalesce => self.put("coalesce()"),
            Stage::Select(fields) => {
                self.put("select(");
                self.list(fields, Self::field);
                self.put(")");
            }
        }
    }

    /// In parentheses if it binds looser than `level`.
    fn spans(&mut self, spans: &Spans, level: u8) {
        let own = match spans {
            Spans::Join(_, Join::Or, _) => 1,
            Spans::Join(_, Join::And, _) => 2,
            Spans::Join(..) => 3,
            Spans::Filter(_) | Spans::Wrapped(_) => 4,
        };
        match self.level < Level::Structure {
            true => self.bare_spans(spans, own),
            false => self.grouped(own < level, |printer| printer.bare_spans(spans, own)),
        }
    }

    fn bare_spans(&mut self, spans: &Spans, own: u8) {
        match spans {
            Spans::Filter(expr) => {
                self.put("{");
                self.gap();
                if let Some(expr) = expr {
                    self.expr(expr, 0);
                    self.gap();
                }
                self.put("}");
            }
            Spans::Wrapped(pipeline) => {
                self.put("(");
                self.pipeline(pipeline);
                self.put(")");
            }
            Spans::Join(left, join, right) => {
                self.spans(left, own);
                self.gap();
                self.put(join.text());
                self.gap();
                self.spans(right, own + 1);
            }
        }
    }

    fn aggregate(&mut self, aggregate: &Aggregate) {
        match aggregate {
            Aggregate::Count => self.put("count()"),
            Aggregate::Of(fold, expr) => {
                self.put(fold.text());
                self.put("(");
                self.expr(expr, 0);
                self.put(")");
            }
        }
    }

    fn scalar(&mut self, scalar: &Scalar, level: u8) {
        match scalar {
            Scalar::Aggregate(aggregate) => self.grouped(false, |p| p.aggregate(aggregate)),
            Scalar::Literal(literal) => {
                let needed = level > exprs::literal_level(literal);
                self.grouped(needed, |printer| printer.literal(literal));
            }
            Scalar::Arithmetic(left, how, right) => {
                let (own, left_level, right_level) = exprs::arithmetic_levels(*how);
                self.grouped(level > own, |printer| {
                    printer.scalar(left, left_level);
                    printer.space();
                    printer.put(how.text());
                    printer.space();
                    printer.scalar(right, right_level);
                });
            }
        }
    }

    fn scalar_pipes(&mut self, scalar: &ScalarPipes, level: u8) {
        match scalar {
            ScalarPipes::Pipeline(pipeline, aggregate) => {
                self.put("(");
                self.pipeline(pipeline);
                self.put(" | ");
                self.aggregate(aggregate);
                self.put(")");
            }
            ScalarPipes::Literal(literal) => self.literal(literal),
            ScalarPipes::Arithmetic(left, how, right) => {
                let (own, left_level, right_level) = exprs::arithmetic_levels(*how);
                self.grouped(level > own, |printer| {
                    printer.scalar_pipes(left, left_level);
                    printer.space();
                    printer.put(how.text());
                    printer.space();
                    printer.scalar_pipes(right, right_level);
                });
            }
        }
    }
}
