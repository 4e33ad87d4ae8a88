//! Checks of an index that searches need not make: they look where they go, this looks everywhere.

use crate::base::error::{Error, Result};
use crate::index::dictionary::Values;
use crate::index::hashes::HashTable;
use crate::index::packed::Packed;
use crate::index::source::Source;
use crate::index::term::Term;
use crate::index::terms::{KeyEntry, Part, Terms};

impl Terms {
    /// Reads every key, value and list; what does not hold.
    pub fn verify(&self) -> Result<Vec<Error>> {
        let keys = self.keys()?;
        let mut damage = Vec::new();
        let order = |key: &KeyEntry| (key.scope.code(), key.key.clone());
        if !keys.is_sorted_by(|a, b| order(a) < order(b)) {
            damage.push(self.source.corrupt(0, "keys in disorder"));
        }
        for key in &keys {
            damage.extend(self.postings.read(&*self.source, key.present).err());
            for part in &key.parts {
                let checked = self.part(part).and_then(|part| self.verify_part(part));
                damage.extend(checked.err());
            }
            damage.extend(self.verify_lists(key).err());
        }
        Ok(damage)
    }

    fn verify_part(&self, part: &Part) -> Result<()> {
        let source = &*self.source;
        match part {
            Part::Dictionary(values) | Part::Values(values, _) => verify_values(values, source),
            Part::Hashed(table) => table.verify(source, self.traces),
            Part::Covered(homes, table) => {
                for home in homes {
                    self.parts_of(home)?;
                }
                table.verify(source, self.traces)
            }
            Part::Scarce(scarce) => scarce.verify(source, self.traces),
            Part::ScarceTexts(_) if self.scarce()?.is_some() => Ok(()),
            Part::ScarceTexts(_) => Err(source.corrupt(0, "scarce texts without their table")),
            Part::Buckets(buckets, pointers) => {
                verify_ascent(buckets.column(), source, "buckets in disorder")?;
                for index in 0..pointers.len() {
                    self.postings.read(source, pointers.get(source, index)?)?;
                }
                Ok(())
            }
        }
    }

    /// Reads the lists of all values.
    fn verify_lists(&self, key: &KeyEntry) -> Result<()> {
        for (_, dictionary) in self.dictionaries(key)? {
            for code in 0..dictionary.len() {
                dictionary.traces(code)?;
            }
        }
        Ok(())
    }
}

/// Whether the values of a dictionary ascend strictly.
fn verify_values(values: &Values, source: &dyn Source) -> Result<()> {
    let detail = "a dictionary in disorder";
    let texts = match values {
        Values::Str(texts) => texts,
        Values::Int(column) | Values::Double(column) | Values::Bool(column) => {
            return verify_ascent(column, source, detail);
        }
    };
    let mut last: Option<Term> = None;
    texts.scan(source, 0..texts.len(), &mut |_, text| {
        if let Some(Term::Str(before)) = &last
            && before.as_str() >= text
        {
            return Err(source.corrupt(0, detail));
        }
        last = Some(Term::Str(text.into()));
        Ok(())
    })
}

/// Whether a column ascends strictly; so a column of endless equal values ends at its second.
fn verify_ascent(column: &Packed, source: &dyn Source, detail: &str) -> Result<()> {
    let mut last = None;
    for index in 0..column.len() {
        let value = column.get(source, index)?;
        if last.replace(value).is_some_and(|before| before >= value) {
            return Err(source.corrupt(0, detail));
        }
    }
    Ok(())
}

impl HashTable {
    /// Checks fences, the order of entries, and that each names one of so many traces.
    pub fn verify(&self, source: &dyn Source, traces: u32) -> Result<()> {
        let mut next = 0;
        for bucket in 0..self.buckets() {
            let entries = self.bucket(source, bucket)?;
            if entries.start != next {
                return Err(source.corrupt(0, "fences of a hash table in disorder"));
            }
            next = entries.end;
            let mut last = None;
            for index in entries {
                let (entry, ordinal) = self.entry(source, index)?;
                if last.replace(entry).is_some_and(|before| before >= entry) {
                    return Err(source.corrupt(0, "entries of a hash table in disorder"));
                }
                if ordinal >= traces {
                    return Err(source.corrupt(0, "a hash of a trace that is not there"));
                }
            }
        }
        if next == self.len() {
            return Ok(());
        }
        Err(source.corrupt(0, "fences of a hash table in disorder"))
    }
}
