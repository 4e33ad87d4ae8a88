//! What `--json` prints is what `schema/` says, for every command.

use std::path::Path;

use serde_json::Value;

use crate::bench::{Bench, requests};

/// Checks a value against `schema/<name>.json`.
#[track_caller]
pub fn check(name: &str, value: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(format!("{name}.json"));
    let schema = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    if let Err(problem) = valid(&schema, value, "") {
        panic!("{name}: {problem}, in {value}");
    }
}

/// The keywords our schemas use; one that is not known here would check nothing, so it is an error.
fn valid(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let fail = |what: String| Err(format!("{at}: {what}"));
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$schema" | "title" | "description" => {}
            "type" => {
                let types = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                if !types.iter().any(|name| is_a(value, name.as_str().unwrap())) {
                    return fail(format!("{value} is no {rule}"));
                }
            }
            "enum" if !rule.as_array().unwrap().contains(value) => {
                return fail(format!("{value} is none of {rule}"));
            }
            "minimum" if value.as_f64().is_some_and(|n| n < rule.as_f64().unwrap()) => {
                return fail(format!("{value} is below {rule}"));
            }
            "minLength" | "maxLength" => {
                let (length, limit) =
                    (value.as_str().map(str::len), rule.as_u64().unwrap() as usize);
                if length
                    .is_some_and(|n| if keyword == "minLength" { n < limit } else { n > limit })
                {
                    return fail(format!("{value} has not {limit} characters"));
                }
            }
            "enum" | "minimum" => {}
            "required" if value.is_object() => {
                for name in rule.as_array().unwrap() {
                    if value.get(name.as_str().unwrap()).is_none() {
                        return fail(format!("{name} is missing"));
                    }
                }
            }
            "required" => {}
            "properties" => {
                for (name, rule) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        valid(rule, value, &format!("{at}/{name}"))?;
                    }
                }
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                for (name, value) in value.as_object().into_iter().flatten() {
                    if known.is_some_and(|known| known.contains_key(name)) {
                        continue;
                    }
                    match rule {
                        Value::Bool(true) => {}
                        Value::Bool(false) => return fail(format!("{name} is not foreseen")),
                        rule => valid(rule, value, &format!("{at}/{name}"))?,
                    }
                }
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    valid(rule, value, &format!("{at}/{index}"))?;
                }
            }
            other => panic!("the checker does not know {other}"),
        }
    }
    Ok(())
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other}"),
    }
}

#[test]
fn every_command_prints_what_its_schema_says() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(30)));
    let commands: &[(&str, &[&str])] = &[
        ("trace", &["trace", "1"]),
        ("search", &["search"]),
        ("search", &["search", "{ name = \"get\" }", "--explain", "--limit", "2"]),
        ("search", &["search", "{ name = \"nothing\" }"]),
        ("search", &["search", "{ } | by(name) | count() > 0 | select(span.n)"]),
        ("metrics", &["metrics", "{ } | rate() by (name)", "--explain"]),
        ("metrics", &["metrics", "{ } | compare({ span.n < 3 }, 2)"]),
        ("metrics", &["metrics", "{ } | quantile_over_time(duration, 0.5) | topk(1)"]),
        ("services", &["services"]),
        ("operations", &["operations", "shop"]),
        ("tags", &["tags"]),
        ("values", &["values", "span.n"]),
        ("values", &["values", "name"]),
        ("values", &["values", "name", "--count", "--limit", "0"]),
        ("values", &["values", "span.n", "--count", "--limit", "1"]),
        ("shapes", &["shapes"]),
        ("shapes", &["shapes", "{ span.n < 3 }", "--limit", "1"]),
        ("compare", &["compare", "{ span.n < 3 }", "{ }"]),
        ("compare", &["compare", "{ }", "{ name = \"none\" }", "--limit", "3"]),
        ("stats", &["stats"]),
        ("dump", &["dump", "--query", "{ span.n = 3 }"]),
        ("verify", &["verify"]),
        ("inspect-manifest", &["inspect", "store/MANIFEST"]),
        ("merge", &["merge"]),
        ("merge", &["merge", "--all"]),
        ("backup", &["backup", "copy"]),
        ("retain", &["retain", "--max-age", "1d", "--dry-run"]),
        ("retain", &["retain", "--max-age", "1d", "--max-bytes", "1GiB"]),
        ("completions", &["completions", "bash"]),
        ("man", &["man"]),
    ];
    for (name, args) in commands {
        let ran = bench.run(&[args, &["--json"][..]].concat());
        assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
        check(name, &ran.json());
    }
}

#[test]
fn every_failure_prints_what_its_schema_says() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(1)));
    let commands: &[(i32, &str, &[&str])] = &[
        (4, "NoTrace", &["trace", "77"]),
        (2, "Query", &["search", "{ name ="]),
        (2, "Usage", &["search", "--limit", "many"]),
        (2, "Usage", &["fetch"]),
        (1, "NotFound", &["stats", "--store", "nowhere"]),
        (1, "Io", &["import", "nowhere"]),
    ];
    for (code, kind, args) in commands {
        let ran = bench.run(&[args, &["--json"][..]].concat());
        let error = serde_json::from_str(&ran.fails(*code)).unwrap();
        check("error", &error);
        assert_eq!(error["error"]["kind"], *kind, "{args:?}: {error}");
    }
}
