//! The series of a metrics query while they are added up.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use crate::base::error::Result;
use crate::base::number::Number;
use crate::base::quick::QuickMap;
use crate::base::time::Timestamp;
use crate::index::statistics::MINUTE;
use crate::query::ast::Field;
use crate::query::bounds::Bounds;
use crate::query::cells::{has_plain_services, is_service};
use crate::query::compare::Seen;
use crate::query::eval::datum::Datum;
use crate::query::eval::fields::{Taker, each};
use crate::query::figures::{Figure, Needs, Sight, Sign, Sum};
use crate::query::lang::metrics::Function;
use crate::query::predicate::TraceFacts;
use crate::query::readers::Reader;
use crate::query::source::Row;
use crate::query::taken::Taken;
use crate::segment::Segment;

/// What tells one series from another: of each field the first value, if there is one.
pub type Labels = Vec<Option<Datum>>;

/// What is taken of one series, by step.
pub type Steps = BTreeMap<u64, Taken>;

/// What a label takes, about.
const LABEL_BYTES: usize = 64;

/// Takes of spans what a function is of, by series and step.
#[derive(Debug)]
pub struct Table<'q> {
    by: &'q [Field],
    function: &'q Function,
    width: NonZeroU64,
    bounds: &'q Bounds,
    places: BTreeMap<Labels, usize>,
    steps: Vec<Steps>,
    bytes: usize,
    columns: InColumns<'q>,
    /// Of the row under way.
    numbers: Vec<Number>,
}

/// What is known of the segment under way.
#[derive(Debug)]
struct InColumns<'q> {
    labels: Vec<Reader<'q>>,
    of: Option<Reader<'q>>,
    /// By template and resource, the series of their rows where no column decides it.
    series: QuickMap<(u32, u32), usize>,
}

impl<'q> InColumns<'q> {
    fn new(by: &'q [Field], function: &'q Function) -> Self {
        Self {
            labels: by.iter().map(Reader::new).collect(),
            of: function.field().map(Reader::new),
            series: QuickMap::default(),
        }
    }
}

impl<'q> Table<'q> {
    /// Nothing yet.
    pub fn new(
        by: &'q [Field],
        function: &'q Function,
        width: NonZeroU64,
        bounds: &'q Bounds,
    ) -> Self {
        Self {
            by,
            function,
            width,
            bounds,
            places: BTreeMap::new(),
            steps: Vec::new(),
            bytes: 0,
            columns: InColumns::new(by, function),
            numbers: Vec::new(),
        }
    }

    /// Whether rows tell all that is asked for without their trace.
    pub fn asks_of_spans(&self) -> bool {
        !self.by.iter().chain(self.function.field()).any(Field::needs_trace)
    }

    /// Adds a row, with what its trace says of it if that is asked for.
    pub fn add_row(&mut self, row: &Row<'_>, facts: Option<&TraceFacts<'_>>) -> Result<()> {
        let values = |field: &Field, take: &mut Taker<'_>| {
            // What needs facts is given them.
            let _known = each(field, row.subject(), facts, take);
        };
        let labels = self.by.iter().map(|field| first(|take| values(field, take))).collect();
        let series = self.series(labels);
        self.numbers.clear();
        if let Some(field) = self.function.field() {
            values(field, &mut |seen| numbers(seen, &mut self.numbers));
        }
        self.add_numbers(series, row.span.start)
    }

    /// The series by their labels, each with what was taken by step.
    pub fn into_series(self) -> impl Iterator<Item = (Labels, Steps)> {
        let mut steps = self.steps;
        let places = self.places.into_iter();
        places.filter_map(move |(labels, place)| {
            Some((labels, std::mem::take(steps.get_mut(place)?)))
        })
    }

    fn series(&mut self, labels: Labels) -> usize {
        let next = self.steps.len();
        let place = *self.places.entry(labels).or_insert_with_key(|labels| {
            self.bytes += size_of::<(Labels, Steps, usize)>() + labels.len() * LABEL_BYTES;
            next
        });
        if place == next {
            self.steps.push(Steps::new());
        }
        place
    }

    /// Adds the numbers of a span.
    fn add_numbers(&mut self, series: usize, start: Timestamp) -> Result<()> {
        let numbers = std::mem::take(&mut self.numbers);
        let added = self.change(series, start, |taken| taken.add(&numbers));
        self.numbers = numbers;
        added
    }

    /// Changes what is taken of a series; `change` tells how many bytes that took.
    fn change(
        &mut self,
        series: usize,
        start: Timestamp,
        change: impl FnOnce(&mut Taken) -> usize,
    ) -> Result<()> {
        let Some(steps) = self.steps.get_mut(series) else { return Ok(()) };
        let taken = steps.entry(start.nanos() / self.width).or_insert_with(|| {
            self.bytes += size_of::<(u64, Taken)>();
            Taken::default()
        });
        self.bytes += change(taken);
        self.bounds.check_found(self.bytes)
    }
}

impl Sum for Table<'_> {
    fn begin(&mut self, segment: &Segment) -> Result<Needs> {
        self.columns = InColumns::new(self.by, self.function);
        let is_told =
            |field: &Field| matches!(field, Field::Name | Field::Kind) || is_service(field);
        let suffices = matches!(self.function, Function::Rate | Function::Count)
            && self.width.get().is_multiple_of(MINUTE)
            && self.by.iter().all(is_told)
            && (!self.by.iter().any(is_service)
                || has_plain_services(segment, &self.bounds.interrupt)?);
        Ok(if suffices { Needs::Counts } else { Needs::Rows })
    }

    fn figure(&mut self, figure: &Figure<'_>) -> Result<()> {
        let operation = figure.operation;
        let label = |field: &Field| match field {
            Field::Name => Some(Datum::Text(operation.name.clone())),
            Field::Kind => Some(Datum::Code(operation.kind.0)),
            _ => operation.service.clone().map(Datum::Text),
        };
        let series = self.series(self.by.iter().map(label).collect());
        self.change(series, figure.minute, |taken| {
            taken.add_spans(figure.spans);
            0
        })
    }

    fn columns(&mut self, sight: &Sight<'_>, sign: Sign) -> Result<bool> {
        if let Some(of) = &mut self.columns.of
            && !of.find(sight)?.is_told
        {
            return Ok(false);
        }
        let key = (sight.outlined.columns.template(), sight.outlined.resource);
        let known = self.columns.series.get(&key).copied();
        let Some(series) =
            known.map_or_else(|| self.series_in_columns(sight, key), |k| Ok(Some(k)))?
        else {
            return Ok(false);
        };
        let start = sight.outlined.times.start;
        if sign == Sign::Minus {
            self.change(series, start, |taken| {
                taken.remove_span();
                0
            })?;
            return Ok(true);
        }
        self.numbers.clear();
        if let Some(of) = &self.columns.of {
            of.each(sight, &mut |seen| numbers(seen, &mut self.numbers))?;
        }
        self.add_numbers(series, start)?;
        Ok(true)
    }

    fn row(&mut self, row: &Row<'_>, sign: Sign) -> Result<()> {
        match sign {
            Sign::Plus => self.add_row(row, None),
            Sign::Minus => {
                let label = |field: &Field| {
                    first(|take| {
                        // Nothing is asked that needs facts.
                        let _known = each(field, row.subject(), None, take);
                    })
                };
                let series = self.series(self.by.iter().map(label).collect());
                self.change(series, row.span.start, |taken| {
                    taken.remove_span();
                    0
                })
            }
        }
    }
}

impl Table<'_> {
    /// The series of a row, if columns tell it.
    fn series_in_columns(&mut self, sight: &Sight<'_>, key: (u32, u32)) -> Result<Option<usize>> {
        let mut is_fixed = true;
        for reader in &mut self.columns.labels {
            let found = reader.find(sight)?;
            if !found.is_told {
                return Ok(None);
            }
            is_fixed &= found.is_fixed;
        }
        let mut labels = Labels::with_capacity(self.by.len());
        for reader in &self.columns.labels {
            let mut done = Ok(());
            labels.push(first(|take| done = reader.each(sight, take)));
            done?;
        }
        let series = self.series(labels);
        if is_fixed {
            self.columns.series.insert(key, series);
        }
        Ok(Some(series))
    }
}

/// The first of the values that are handed over, of an array its first element.
fn first(values: impl FnOnce(&mut Taker<'_>)) -> Option<Datum> {
    let mut first = None;
    values(&mut |seen| {
        seen.each_element(&mut |element| {
            first.get_or_insert_with(|| Datum::of(element));
        });
    });
    first
}

/// The numbers among a value's elements.
fn numbers(seen: Seen<'_>, out: &mut Vec<Number>) {
    seen.each_element(&mut |element| out.extend(element.number().filter(|own| !own.is_nan())));
}
