//! All that the blocks of a segment have in common: its templates, their columns' models and the
//! grammar of its rows. A block means nothing without them.

use crate::base::limits::{MAX_DURATION_MODELS, MAX_TEMPLATES};
use crate::base::varint::{read_len, read_prefixed, write_prefixed, write_u64};
use crate::block::column::{ColumnModel, Layout, RunPlace};
use crate::block::decode::touch;
use crate::block::ids::Ids;
use crate::block::ints::IntModel;
use crate::block::skeleton::SlotKind;
use crate::block::structure::Grammar;
use crate::block::template::{Names, Template};
use crate::block::words::{WordList, Words};

/// Columns that every template has before its slots.
pub const RESOURCE: usize = 0;
/// The start, against the parent's start or the trace's first.
pub const START: usize = 1;
/// The end, against the start.
pub const DURATION: usize = 2;
/// The first slot.
pub const SLOTS: usize = 3;
/// The template code of spelled rows, whose slots are the scope's code and the canonical bytes of
/// a span without ids, parent and times.
pub const SPELLED: u32 = 0;

/// What a segment's blocks are encoded with.
#[derive(Debug, Default)]
pub struct Models {
    /// By template code; [`SPELLED`] is always there.
    pub templates: Vec<TemplateModel>,
    /// How durations are stored; templates share them.
    pub durations: Vec<IntModel>,
    /// The order of templates and parents.
    pub grammar: Grammar,
    /// What texts say again and again, as it is stored.
    pub word_list: WordList,
    /// The same, once dictionaries are at hand to tell it.
    pub words: Words,
    /// How ids are kept.
    pub ids: Ids,
}

/// A template and the models of its columns.
#[derive(Debug)]
pub struct TemplateModel {
    /// The structure; none for spelled rows.
    pub template: Option<Template>,
    /// The columns: [`RESOURCE`], [`START`], [`DURATION`], then the slots.
    pub columns: Vec<ColumnModel>,
    /// Where their runs lie.
    pub layout: Layout,
}

impl TemplateModel {
    /// A template with its columns.
    pub fn new(template: Option<Template>, columns: Vec<ColumnModel>) -> Self {
        Self { template, layout: Layout::of(&columns), columns }
    }

    /// What the columns of a template hold.
    fn kinds(template: Option<&Template>) -> Vec<SlotKind> {
        let mut kinds = vec![SlotKind::Int; SLOTS];
        match template {
            Some(template) => kinds.extend(template.slots.iter().map(|slot| slot.kind)),
            None => kinds.extend([SlotKind::Int, SlotKind::Blob]),
        }
        kinds
    }

    fn memory_bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(ColumnModel::memory_bytes).sum();
        let places = size_of_val(&*self.layout.places) + size_of_val(&*self.layout.variable);
        let template = self.template.as_ref().map_or(0, Template::memory_bytes);
        size_of::<Self>() + columns + places + template
    }

    /// Touches what reading a row looks at (see [`crate::block::decode::OpenBlock::warm`]).
    pub(super) fn touch(&self) -> u32 {
        let columns = touch(&self.columns, |column| match column {
            ColumnModel::Codes { locals, .. } => locals.first().copied().unwrap_or_default(),
            ColumnModel::Int(IntModel::Const(all)) => *all as u32,
            _ => 0,
        });
        let places = touch(&self.layout.places, |place| match place {
            RunPlace::Fixed(at) | RunPlace::Variable(at) | RunPlace::Paged(at) => *at as u32,
        });
        let keys =
            self.template.as_ref().map_or(0, |t| touch(&t.attributes, |(_, kind)| *kind as u32));
        columns ^ places ^ keys
    }
}

impl Models {
    /// Appends the models; `skeletons` are those of the templates, by code, empty for spelled rows.
    pub fn write(&self, skeletons: &[&[u8]], out: &mut Vec<u8>) {
        write_u64(out, self.templates.len() as u64);
        // Skeletons together, then models together: alike stands beside alike for the compressor.
        for skeleton in skeletons {
            write_prefixed(out, skeleton);
        }
        write_u64(out, self.durations.len() as u64);
        self.durations.iter().for_each(|model| model.write(out));
        for template in &self.templates {
            for column in &template.columns {
                column.write(out);
            }
        }
        self.grammar.write(out);
        self.word_list.write(out);
        self.ids.write(out);
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(input: &mut &[u8]) -> Option<Self> {
        let count = read_len(input).filter(|n| (1..=MAX_TEMPLATES + 1).contains(n))?;
        let mut names = Names::default();
        let mut parsed = Vec::with_capacity(count);
        for code in 0..count {
            let skeleton = read_prefixed(input)?;
            parsed.push(match code {
                0 if skeleton.is_empty() => None,
                _ => Some(Template::parse(skeleton, &mut names)?),
            });
        }
        let shared = read_len(input).filter(|n| (1..=MAX_DURATION_MODELS).contains(n))?;
        let durations = (0..shared).map(|_| IntModel::read(input)).collect::<Option<Vec<_>>>()?;
        let mut templates = Vec::with_capacity(count);
        for template in parsed {
            let kinds = TemplateModel::kinds(template.as_ref());
            let mut columns = Vec::with_capacity(kinds.len());
            for (place, kind) in kinds.into_iter().enumerate() {
                let column = ColumnModel::read(input)?;
                let fits = match column {
                    ColumnModel::Duration(number) => {
                        place == DURATION && (number as usize) < durations.len()
                    }
                    _ => place != DURATION && column.holds(kind),
                };
                columns.push(fits.then_some(column)?);
            }
            templates.push(TemplateModel::new(template, columns));
        }
        let grammar = Grammar::read(input)?;
        let word_list = WordList::read(input)?;
        let ids = Ids::read(input)?;
        let words = Words::default();
        input.is_empty().then_some(Self { templates, durations, grammar, word_list, words, ids })
    }

    /// The memory it takes, about, but for the words.
    pub fn memory_bytes(&self) -> usize {
        let templates = self.templates.iter().map(TemplateModel::memory_bytes).sum::<usize>();
        templates + size_of_val(&*self.durations)
    }

    /// The template with this code.
    pub fn get(&self, template: u32) -> Option<&TemplateModel> {
        self.templates.get(template as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::effort::Effort;
    use crate::block::decode::Outline;
    use crate::block::durations::encode;
    use crate::block::scale::Scale;
    use crate::block::walk::Walker;
    use proptest::prelude::*;

    /// Models of spelled rows alone, as a segment of hostile input has them.
    fn spelled() -> Models {
        let model = || IntModel::fit(&[1, 5, 900], Effort::Thorough);
        let column = || ColumnModel::Int(model());
        let duration = ColumnModel::Duration(0);
        let columns = vec![column(), column(), duration, column(), ColumnModel::Paged];
        Models {
            templates: vec![TemplateModel::new(None, columns)],
            durations: vec![model()],
            grammar: Grammar::fit(&[], |_| false),
            ..Models::default()
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_models_or_refused(bytes in prop::collection::vec(0u8..12, 0..120)) {
            let _ = Models::read(&mut bytes.as_slice());
        }

        #[test]
        fn any_bytes_are_a_block_or_refused(
            durations in prop::collection::vec(0i64..900, 0..20),
            begins in 0u8..3, bytes in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let model = IntModel::Fixed { scale: Scale::new(0, 1), width: 10 };
            let models = Models { durations: vec![model], ..spelled() };
            let mut block = Vec::new();
            prop_assert!(encode(&models.durations, &[durations], &mut block).is_some());
            block.push(begins);
            block.extend(bytes);
            if let Some(outline) = Outline::open(&block, &models) {
                let mut walker = Walker::new(&block, &outline, &models, 0);
                while walker.step().is_some() {}
            }
        }
    }
}
