//! The admission window: which spans are let in, by their start.

use std::cell::Cell;

use crate::base::observer::StoreEvent;
use crate::base::time::Timestamp;
use crate::ingest::batch::SpanKey;
use crate::ingest::otlp::Admission;
use crate::store::engine::Engine;
use crate::store::options::OutOfWindow;

const TOO_EARLY: &str = "the span starts before the window that max_age sets";
const EXPIRED: &str = "the span starts before what the store's retention keeps";
const TOO_LATE: &str = "the span starts after the window that max_ahead sets";

/// Judges the spans of one request, and counts those outside the window.
pub(crate) struct Gate {
    /// What starts earlier has expired.
    horizon: Timestamp,
    expired: Cell<u64>,
    first: Timestamp,
    last: Timestamp,
    policy: OutOfWindow,
    outside: Cell<u64>,
}

impl Gate {
    /// Whether a span is let in. Each is to be judged once.
    pub(crate) fn judge(&self, span: &SpanKey) -> Admission {
        if span.start < self.horizon {
            self.expired.set(self.expired.get() + 1);
            return Admission::Reject(EXPIRED);
        }
        let why = if span.start < self.first {
            TOO_EARLY
        } else if span.start > self.last {
            TOO_LATE
        } else {
            return Admission::Accept;
        };
        self.outside.set(self.outside.get() + 1);
        match self.policy {
            OutOfWindow::Accept => Admission::Accept,
            OutOfWindow::Quarantine => Admission::LeaveOut,
            OutOfWindow::Reject => Admission::Reject(why),
        }
    }

    /// Whether a span is to be quarantined, if any is; counts nothing.
    pub(crate) fn judge_outside(&self, span: &SpanKey) -> Admission {
        // One that has expired was refused already.
        let is_inside = span.start < self.horizon || (self.first..=self.last).contains(&span.start);
        if is_inside { Admission::LeaveOut } else { Admission::Accept }
    }

    /// How many spans are to be quarantined.
    pub(crate) fn quarantined(&self) -> u64 {
        if self.policy == OutOfWindow::Quarantine { self.outside.get() } else { 0 }
    }
}

impl Engine {
    /// The gate at this moment; wide open unless the options set a window or a retention.
    pub(crate) fn gate(&self) -> Gate {
        let options = &self.options;
        let now = self.environment.clock.now();
        Gate {
            horizon: self.horizon(now),
            expired: Cell::new(0),
            first: options.max_age.map_or(Timestamp::ZERO, |age| now.saturating_sub(age)),
            last: options.max_ahead.map_or(Timestamp::MAX, |ahead| now.saturating_add(ahead)),
            policy: options.out_of_window,
            outside: Cell::new(0),
        }
    }

    /// Tells what a gate has counted.
    pub(crate) fn tell_outside(&self, gate: &Gate) {
        let spans = gate.expired.get();
        if spans > 0 {
            self.watch.tell(&StoreEvent::BehindHorizon { spans });
        }
        let spans = gate.outside.get();
        if spans > 0 {
            let decision = gate.policy.name();
            self.watch.tell(&StoreEvent::OutsideWindow { spans, decision });
        }
    }
}
