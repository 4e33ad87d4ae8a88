//! TraceQL: its text, its tree, and back.
//!
//! ```text
//! text --lexer--> expr, parse --> tree --print--> text of the same tree
//! ```
//!
//! # Grammar
//!
//! ```text
//! query      = pipeline
//! pipeline   = stage { "|" stage }
//! stage      = spans | scalar compare scalar
//!            | "by" "(" value { "," value } ")" | "coalesce" "(" ")"
//!            | "select" "(" field { "," field } ")"
//! spans      = both { "||" both }
//! both       = chain { "&&" chain }
//! chain      = one { structural one }
//! one        = "{" [ condition ] "}" | "(" pipeline ")"
//! structural = [ "!" | "&" ] ( ">" | ">>" | "<" | "<<" | "~" )
//! scalar     = sums of products of powers of:
//!              number | "count" "(" ")" | ( "avg" | "min" | "max" | "sum" ) "(" value ")"
//!            | "-" scalar | "(" scalar ")" | "(" pipeline "|" scalar ")"
//! condition  = all { "||" all }
//! all        = test { "&&" test }
//! test       = value [ compare value | ( "=~" | "!~" ) string ]
//! compare    = "=" | "!=" | "<" | "<=" | ">" | ">="
//! value      = sums of products of powers of:
//!              literal | field | "-" value | "!" value | "(" condition ")"
//! field      = [ "span" | "resource" | "event" | "link" | "instrumentation" ] "." name
//!            | "parent" "." [ "span." | "resource." ] name | intrinsic
//! literal    = string | number | duration | "true" | "false" | "nil" | kind | status
//!            | "minInt" | "maxInt"
//! ```
//!
//! Chains of one rank go from the left, powers from the right; `^` binds tightest, then
//! signs, so that `-2 ^ 2` is -4. A name is
//! all up to a space or one of `{}()=~!<>&|^,`, so `.a+1` is an attribute and `.a + 1` a sum.
//!
//! # Conformance
//!
//! Against the language as Grafana Tempo publishes it:
//!
//! | part | here |
//! |---|---|
//! | filters, scopes, quoted names, literals, `nil` | all |
//! | intrinsics, with and without `span:` and `trace:` | all but the numbers of nested sets: `nestedSetParent` only as `< 0`, `= -1`, `>= 0`, `> 0` |
//! | arithmetic, fields against fields | all; quotients are doubles, `1 / 2` is 0.5 |
//! | arrays | any element; `!=` and `!~`: no element; arithmetic takes an array of one number |
//! | `=~`, `!~` | anchored at both ends; the expression is a literal |
//! | `parent.` | attributes of the span's parents: published as not yet supported |
//! | `&&`, `||` | in filters and between span sets; `&&` binds tighter, where Tempo goes from left to right |
//! | `>`, `>>`, `<`, `<<`, `~`, with `!` and `&` | all, on every trace: orphans, cycles and repeated ids included |
//! | `count avg min max sum` | all, with arithmetic on both sides of the comparison, also over pipelines in parentheses: published as not yet supported |
//! | `by()` | of any expressions, several at once; `coalesce()`, `select()` |
//! | comparisons | do not chain: `1 = 1 = true` wants parentheses |
//! | `= nil` of an intrinsic | is asked, where Tempo refuses it |
//! | `with(...)` | refused: an answer does not depend on hints |
//! | metrics: `rate`, `count_over_time`, `min/max/avg/sum/quantile/histogram_over_time`, `by`, `topk`, `bottomk`, comparisons | see [`metrics`]; durations are nanoseconds, quantiles exact; steps without spans have no value |
//! | `compare()` | all: `{ }`, top N, start and end, series by `__meta_type` and `__meta_error`; attributes, `name`, `kind`, `status` and `statusMessage`, elements of arrays one by one; a tag with more than 65,536 values tells none; the window is half-open |
//! | arithmetic between metrics | not yet |

pub mod build;
pub mod expr;
pub mod field;
pub mod lexer;
pub mod metrics;
pub mod parse;
pub mod print;
pub mod scalar;
pub mod spans;
pub mod tree;
