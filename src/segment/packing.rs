//! Columns in memory to columns under models.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::base::effort::Effort;
use crate::base::quick::QuickSet;
use crate::block::alike::share;
use crate::block::ids::Ids;
use crate::block::ints::IntModel;
use crate::block::mining::Draft;
use crate::block::models::{Models, SLOTS, TemplateModel};
use crate::block::packed::Packed;
use crate::block::shapes::Shape;
use crate::block::shared_ids::SharedIds;
use crate::block::slots::{PoolUse, Pools, SlotValues};
use crate::block::structure::Grammar;
use crate::block::template::{Place, Template};
use crate::block::vocabulary::{WordCodes, WordCounts};
use crate::block::words::{ColumnPlace, WordList};
use crate::disk::executor::{Executor, Part};
use crate::segment::builder::SegmentBuilder;
use crate::segment::lineup::{CommonColumns, Lineup};

/// A template with its columns.
pub(super) struct PackedTemplate {
    template: Option<Template>,
    /// [`RESOURCE`](crate::block::models::RESOURCE) and so on, then the slots.
    pub columns: Vec<Packed>,
}

/// What columns are packed from, and by.
#[derive(Clone, Copy)]
pub(super) struct Material<'a> {
    pub b: &'a SegmentBuilder,
    pub uses: &'a [PoolUse],
    /// The scopes of spelled rows, and the numbers of their bytes.
    pub spelled: &'a (Vec<i64>, Vec<u32>),
}

/// The columns of all templates, by code, each under the model of its own values, but durations
/// under the models that are returned beside. Templates are fitted side by side where threads are
/// free.
pub(super) fn pack(
    material: Material<'_>,
    shapes: Vec<Shape>,
    kept: &[u32],
    lineup: &mut Lineup,
    executor: &dyn Executor,
) -> (Vec<PackedTemplate>, Vec<IntModel>) {
    let durations: Vec<&[i64]> = lineup.templates.iter().map(|own| &*own.duration).collect();
    let effort = material.b.options.effort;
    let (models, numbers_of) = share(&durations, lineup.zones.len(), effort);
    let mut by_code: Vec<Option<Shape>> = shapes.into_iter().map(Some).collect();
    let commons = std::mem::take(&mut lineup.templates);
    let mut templates: Vec<PackedTemplate> =
        commons.iter().map(|_| PackedTemplate { template: None, columns: Vec::new() }).collect();
    let places = templates.iter_mut().zip(commons).enumerate();
    let parts = places.map(|(code, (place, common))| -> Part<'_> {
        let shape = code.checked_sub(1).and_then(|index| kept.get(index));
        let shape = shape.and_then(|&shape| by_code.get_mut(shape as usize)).and_then(Option::take);
        let duration = numbers_of.get(code).copied().unwrap_or_default();
        Box::new(move || *place = material.pack(common, duration, shape))
    });
    executor.share(parts.collect());
    (templates, models)
}

impl Material<'_> {
    /// The columns of one template, whose durations are under the model of this number.
    fn pack(self, common: CommonColumns, duration: u32, shape: Option<Shape>) -> PackedTemplate {
        let Self { b, uses, spelled } = self;
        let effort = b.options.effort;
        let mut columns = vec![
            Packed::ints(common.resource, effort),
            Packed::ints(common.start, effort),
            Packed::durations(duration, common.duration),
        ];
        let Some(Shape { template, slots, .. }) = shape else {
            let (scopes, numbers) = spelled.clone();
            columns.push(Packed::ints(scopes, effort));
            let values = SlotValues::Pooled { pool: b.spelled.pool, numbers };
            columns.push(Packed::fit(values, &Place::Spelled, &[], &b.pools, effort));
            return PackedTemplate { template: None, columns };
        };
        for (slot, values) in template.slots.iter().zip(slots) {
            columns.push(Packed::fit(values, &slot.place, uses, &b.pools, effort));
        }
        PackedTemplate { template: Some(template), columns }
    }
}

/// Finds forms for the texts that follow no single pattern, and the words that they share; also
/// columns of ids and of codes that are better told by words.
///
/// Only with all effort: of a flush it took a twelfth of the time for a fourteenth of the bytes, and
/// a merge looks for them anew in any case. Without forms texts are records of pages.
pub(super) fn find_forms<'a>(
    templates: &mut [PackedTemplate],
    pools: &'a Pools,
    uses: &[PoolUse],
    effort: Effort,
) -> (WordList, WordCodes<'a>) {
    if effort == Effort::Quick {
        return Default::default();
    }
    let known = dictionaries(templates, pools, uses);
    let (mut unfitted, mut coded, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for PackedTemplate { template, columns } in templates {
        let slots = template.iter().flat_map(|template| &template.slots);
        for (slot, column) in slots.zip(columns.iter_mut().skip(SLOTS)) {
            if let Some(texts) = column.unfitted(&slot.place, pools) {
                unfitted.push((texts, column));
            } else if let Some(texts) = column.coded(pools) {
                coded.push((texts, column));
            } else if let Some(texts) = column.ids(pools) {
                ids.push((texts, column));
            }
        }
    }
    let mut shared = SharedIds::default();
    unfitted.iter().chain(&ids).for_each(|(texts, _)| shared.count(texts));
    // Columns of many rows decide on words, from which those of few profit.
    unfitted.sort_by_key(|(texts, _)| Reverse(texts.len()));
    let mut counts = WordCounts::default();
    let mut drafts = Vec::new();
    for (texts, column) in unfitted {
        let draft = Draft::of(&texts, &shared, &mut counts);
        drafts.extend(draft.map(|draft| (draft, texts, column)));
    }
    for (texts, column) in ids {
        let distinct: QuickSet<&str> = texts.iter().copied().collect();
        if shared.repeat(distinct.iter().copied()) {
            let draft = Draft::whole(&texts, &mut counts);
            drafts.extend(draft.map(|draft| (draft, texts, column)));
        }
    }
    coded.retain(|(texts, _)| counts.add_familiar(texts));
    let (words, codes) = counts.finish(&known);
    for (draft, texts, column) in drafts {
        column.settle(draft, &texts, &codes, effort);
    }
    for (texts, column) in coded {
        column.recode(&texts, &codes);
    }
    (words, codes)
}

/// The dictionaries of texts, each by the first column that it serves, with the codes of its texts.
fn dictionaries<'a>(
    templates: &[PackedTemplate],
    pools: &'a Pools,
    uses: &[PoolUse],
) -> Vec<(ColumnPlace, Vec<(&'a str, u32)>)> {
    let mut first: HashMap<&Place, ColumnPlace> = HashMap::new();
    for (template, packed) in (0..).zip(templates) {
        let slots = packed.template.iter().flat_map(|template| &template.slots);
        for (slot, column) in slots.zip(SLOTS as u32..) {
            first.entry(&slot.place).or_insert(ColumnPlace { template, column });
        }
    }
    let mut known = Vec::new();
    for ((place, pool), used) in pools.iter().zip(uses) {
        if let (PoolUse::Dictionary(ranks), Some(&column)) = (used, first.get(place)) {
            let texts = (0..pool.len()).map(|number| pool.text(number));
            known.push((column, texts.zip(ranks.iter().copied()).collect()));
        }
    }
    known
}

/// The models of all columns and of the rows' order, but for the words.
pub(super) fn settle(
    templates: &mut [PackedTemplate],
    durations: Vec<IntModel>,
    b: &SegmentBuilder,
    lineup: &Lineup,
) -> Models {
    let models = templates.iter_mut().map(|PackedTemplate { template, columns }| {
        let columns = columns.iter().map(|column| column.model.clone()).collect();
        TemplateModel::new(template.take(), columns)
    });
    let templates = models.collect();
    let mut begins = lineup.traces.iter().map(|trace| trace.first_row as usize).peekable();
    let grammar = Grammar::fit(&lineup.steps, |row| {
        begins.next_if_eq(&row).is_some() || row % b.options.block_rows == 0
    });
    let ids = Ids::fit(&b.rows.span_id, &lineup.explicit);
    Models { templates, durations, grammar, ids, ..Models::default() }
}
