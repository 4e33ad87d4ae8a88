//! Span sets combined, and the structure between them.

use tracekeep::{StatusCode, TraceSpan};

use super::build::*;
use super::check;
use crate::generate::Level::Structure;
use crate::grammar::Form::{Not, Plain, Union};
use crate::grammar::Relation::{Ancestor, Child, Descendant, Parent, Sibling};
use crate::grammar::{Join, Spans};

/// An order: the front end calls the catalogue, which asks its database, and the payment, which
/// fails twice on its way down.
fn order() -> Vec<TraceSpan> {
    let [front, catalogue, payment] = ["frontend", "catalogue", "payment"];
    vec![
        span(1, 0, "order", (0, 100)).of("service.name", front).with("http.url", "/order"),
        span(2, 1, "find", (1, 10)).of("service.name", catalogue),
        span(3, 2, "select", (2, 9)).of("service.name", catalogue).with("db.name", "shard-1"),
        span(4, 1, "pay", (20, 90)).of("service.name", payment).status(StatusCode::ERROR),
        span(5, 4, "charge", (30, 80)).of("service.name", payment).status(StatusCode::ERROR),
        span(6, 5, "log", (40, 50)).of("service.name", payment),
    ]
}

fn service(name: &str) -> Spans {
    braces(is_service(name))
}

fn errors() -> Spans {
    braces(is_error())
}

#[test]
fn sets_are_combined() {
    let url = || braces(is(attribute("span.http.url"), text("/order")));
    let database = || braces(is(attribute("span.db.name"), text("shard-1")));
    let nothing = || braces(is(attribute("span.db.name"), text("none")));
    check(
        &order(),
        vec![
            spans(
                Structure,
                "{ span.http.url = \"/order\" } && { span.db.name = \"shard-1\" }",
                join(url(), Join::And, database()),
                &[&["order", "select"]],
            ),
            spans(
                Structure,
                "{ span.http.url = \"/order\" } && { span.db.name = \"none\" }",
                join(url(), Join::And, nothing()),
                &[],
            ),
            spans(
                Structure,
                "{ span.http.url = \"/order\" } || { span.db.name = \"none\" }",
                join(url(), Join::Or, nothing()),
                &[&["order"]],
            ),
            spans(
                Structure,
                "{ span.http.url = \"/order\" } >> { span.db.name = \"shard-1\" }",
                related(url(), Plain, Descendant, database()),
                &[&["select"]],
            ),
            spans(
                Structure,
                "{ span.http.url = \"/order\" } > { span.db.name = \"shard-1\" }",
                related(url(), Plain, Child, database()),
                &[],
            ),
        ],
    );
}

#[test]
fn structural_operators_give_the_right_side() {
    let front = || service("frontend");
    check(
        &order(),
        vec![
            spans(
                Structure,
                "{ resource.service.name = \"frontend\" } >> { span:status = error }",
                related(front(), Plain, Descendant, errors()),
                &[&["pay", "charge"]],
            ),
            spans(
                Structure,
                "{ resource.service.name = \"frontend\" } > { span:status = error }",
                related(front(), Plain, Child, errors()),
                &[&["pay"]],
            ),
            spans(
                Structure,
                "{ span:status = error } << { resource.service.name = \"frontend\" }",
                related(errors(), Plain, Ancestor, front()),
                &[&["order"]],
            ),
            spans(
                Structure,
                "{ span:status = error } < { resource.service.name = \"frontend\" }",
                related(errors(), Plain, Parent, front()),
                &[&["order"]],
            ),
            spans(
                Structure,
                "{ resource.service.name = \"catalogue\" } ~ { resource.service.name = \"payment\" }",
                related(service("catalogue"), Plain, Sibling, service("payment")),
                &[&["pay"]],
            ),
        ],
    );
}

#[test]
fn unions_give_both_sides() {
    check(
        &order(),
        vec![
            spans(
                Structure,
                "{ resource.service.name = \"frontend\" } &>> { span:status = error }",
                related(service("frontend"), Union, Descendant, errors()),
                &[&["order", "pay", "charge"]],
            ),
            spans(
                Structure,
                "{ resource.service.name = \"frontend\" } &> { span:status = error }",
                related(service("frontend"), Union, Child, errors()),
                &[&["order", "pay"]],
            ),
            spans(
                Structure,
                "{ resource.service.name = \"catalogue\" } &~ { span:status = error }",
                related(service("catalogue"), Union, Sibling, errors()),
                &[&["find", "pay"]],
            ),
        ],
    );
}

#[test]
fn negations_give_what_is_not_so_related() {
    let all = || Spans::Filter(None);
    check(
        &order(),
        vec![
            // Leaf spans of a service.
            spans(
                Structure,
                "{ } !< { resource.service.name = \"payment\" }",
                related(all(), Not, Parent, service("payment")),
                &[&["log"]],
            ),
            // The last of cascading errors.
            spans(
                Structure,
                "{ span:status = error } !< { span:status = error }",
                related(errors(), Not, Parent, errors()),
                &[&["charge"]],
            ),
            // The first of them.
            spans(
                Structure,
                "{ span:status = error } !> { span:status = error }",
                related(errors(), Not, Child, errors()),
                &[&["pay"]],
            ),
            spans(
                Structure,
                "{ resource.service.name = \"catalogue\" } !>> { }",
                related(service("catalogue"), Not, Descendant, all()),
                &[&["order", "find", "pay", "charge", "log"]],
            ),
            spans(
                Structure,
                "{ span:status = error } !<< { }",
                related(errors(), Not, Ancestor, all()),
                &[&["find", "select", "charge", "log"]],
            ),
            spans(
                Structure,
                "{ span:status = error } !~ { resource.service.name = \"catalogue\" }",
                related(errors(), Not, Sibling, service("catalogue")),
                &[&["select"]],
            ),
        ],
    );
}
