//! Expressions, fields and literals as text.

use super::Printer;
use crate::generate::Level;
use crate::grammar::{Arithmetic, Expr, Field, Literal};

// How tightly it binds.
const OR: u8 = 1;
const AND: u8 = 2;
const COMPARISON: u8 = 3;
const SUM: u8 = 4;
const PRODUCT: u8 = 5;
const UNARY: u8 = 6;
const POWER: u8 = 7;
const ATOM: u8 = 8;

/// Of an operator, and what its operands need at least.
pub const fn arithmetic_levels(how: Arithmetic) -> (u8, u8, u8) {
    match how {
        Arithmetic::Add | Arithmetic::Subtract => (SUM, SUM, PRODUCT),
        Arithmetic::Multiply | Arithmetic::Divide | Arithmetic::Remainder => {
            (PRODUCT, PRODUCT, UNARY)
        }
        // From the right: 2 ^ 3 ^ 2 is 2 ^ 9.
        Arithmetic::Power => (POWER, ATOM, UNARY),
    }
}

/// `-5` binds as a minus does.
pub fn literal_level(literal: &Literal) -> u8 {
    let is_negative = match literal {
        Literal::Int(number) => *number < 0,
        Literal::Real(number) => number.is_sign_negative(),
        _ => false,
    };
    if is_negative { UNARY } else { ATOM }
}

fn level_of(expr: &Expr) -> u8 {
    match expr {
        Expr::Or(..) => OR,
        Expr::And(..) => AND,
        Expr::Exists(..) | Expr::Compare(..) | Expr::Match { .. } => COMPARISON,
        Expr::Arithmetic(_, how, _) => arithmetic_levels(*how).0,
        Expr::Negate(_) | Expr::Not(_) => UNARY,
        Expr::Literal(literal) => literal_level(literal),
        Expr::Field(_) => ATOM,
    }
}

impl Printer {
    pub fn expr(&mut self, expr: &Expr, level: u8) {
        let own = level_of(expr);
        let is_operand = matches!(expr, Expr::Field(_) | Expr::Literal(_));
        if is_operand && self.level < Level::Filters {
            return self.bare(expr);
        }
        self.grouped(own < level, |printer| printer.bare(expr));
    }

    fn bare(&mut self, expr: &Expr) {
        match expr {
            Expr::Literal(literal) => self.literal(literal),
            Expr::Field(field) => self.field(field),
            Expr::Exists(field, exists) => {
                let how = if *exists { "!=" } else { "=" };
                if self.level >= Level::Filters && self.choose(4) == 1 {
                    self.put("nil");
                    self.operator(how);
                    self.expr(field, SUM);
                } else {
                    self.expr(field, SUM);
                    self.operator(how);
                    self.put("nil");
                }
            }
            Expr::Compare(left, how, right) => self.binary(left, SUM, how.text(), right, SUM),
            Expr::Match { text, negated, pattern } => {
                self.expr(text, SUM);
                self.operator(if *negated { "!~" } else { "=~" });
                self.text(&pattern.text());
            }
            Expr::And(left, right) => self.binary(left, AND, "&&", right, COMPARISON),
            Expr::Or(left, right) => self.binary(left, OR, "||", right, AND),
            Expr::Arithmetic(left, how, right) => {
                let (_, left_level, right_level) = arithmetic_levels(*how);
                self.expr(left, left_level);
                // A name may hold most of these characters.
                self.space();
                self.put(how.text());
                self.space();
                self.expr(right, right_level);
            }
            Expr::Negate(operand) => {
                self.put("-");
                // Not `--5`.
                let twice = matches!(**operand, Expr::Negate(_)) || is_negative(operand);
                self.expr(operand, if twice { ATOM } else { UNARY });
            }
            Expr::Not(operand) => {
                self.put("!");
                self.expr(operand, UNARY);
            }
        }
    }

    fn operator(&mut self, operator: &str) {
        self.gap();
        self.put(operator);
        self.gap();
    }

    fn binary(&mut self, left: &Expr, left_level: u8, operator: &str, right: &Expr, level: u8) {
        self.expr(left, left_level);
        self.operator(operator);
        self.expr(right, level);
    }

    pub fn field(&mut self, field: &Field) {
        match field {
            Field::Intrinsic(intrinsic) => {
                let spellings = intrinsic.spellings();
                let spelling = self.choose(spellings.len() as u64) as usize;
                self.put(spellings[spelling]);
            }
            Field::Attribute { parent, scope, key } => {
                if *parent {
                    self.put("parent.");
                }
                self.put(scope.text());
                if !*parent || !scope.text().is_empty() {
                    self.put(".");
                }
                let is_plain = key.chars().all(|c| c.is_alphanumeric() || "._".contains(c));
                if is_plain && self.choose(5) != 1 {
                    self.put(key);
                } else {
                    self.quoted(key);
                }
            }
        }
    }

    pub fn literal(&mut self, literal: &Literal) {
        let text = match literal {
            Literal::Text(text) => return self.text(text),
            Literal::Int(i64::MIN) if self.level >= Level::Filters => "minInt".into(),
            Literal::Int(i64::MAX) if self.level >= Level::Filters && self.choose(2) == 1 => {
                "maxInt".into()
            }
            Literal::Int(number) => number.to_string(),
            Literal::Real(number) => format!("{number:?}"),
            Literal::Duration(nanos) => self.duration(*nanos),
            Literal::Bool(truth) => truth.to_string(),
            Literal::Kind(code) => {
                let names = ["unspecified", "internal", "server", "client", "producer", "consumer"];
                names[*code as usize].into()
            }
            Literal::Status(code) => ["unset", "ok", "error"][*code as usize].into(),
        };
        self.put(&text);
    }

    fn duration(&mut self, nanos: i64) -> String {
        let units = [
            ("h", 3_600_000_000_000),
            ("m", 60_000_000_000),
            ("s", 1_000_000_000),
            ("ms", 1_000_000),
        ];
        let whole = units.iter().find(|(_, unit)| nanos > 0 && nanos % unit == 0);
        match (self.choose(3), whole) {
            (0, Some((name, unit))) => format!("{}{name}", nanos / unit),
            (1, _) => format!("{}.{:03}us", nanos / 1000, nanos % 1000),
            _ => format!("{nanos}ns"),
        }
    }

    fn text(&mut self, text: &str) {
        if !text.contains('`') && self.choose(3) == 1 {
            self.put("`");
            self.put(text);
            self.put("`");
        } else {
            self.quoted(text);
        }
    }

    fn quoted(&mut self, text: &str) {
        self.put("\"");
        for c in text.chars() {
            if matches!(c, '"' | '\\') {
                self.put("\\");
            }
            self.out.push(c);
        }
        self.put("\"");
    }
}

fn is_negative(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(literal) if literal_level(literal) == UNARY)
}
