//! Two appending threads beside one: throughput and CPU of a span, each thread flushing what it
//! filled, nothing merged.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::time::{Duration, Instant};

use common::raw::Raw;
use common::table::{Figure, Table};
use common::{Outcome, check, config, cpu, store_dir, stores};
use tracekeep::Store;

fn main() -> Outcome {
    let raw = Raw::of(&config()?)?;
    let mut requests = Vec::new();
    raw.requests(|request| {
        requests.push(request.to_vec());
        Ok(())
    })?;
    let table = Table::new("threads", raw.spans);
    // In turn, and the better of two each: the first run pays for memory that is touched anew.
    let (mut one, mut two) = (Took::MAX, Took::MAX);
    for _ in 0..2 {
        one = one.min(import(&requests, 1, raw.spans)?);
        two = two.min(import(&requests, 2, raw.spans)?);
    }
    table.note("one thread: seconds, CPU seconds", format!("{one:?}"));
    table.note("two threads: seconds, CPU seconds", format!("{two:?}"));
    // A ratio of times, so that less is better as in every other row: 1 / 1.6.
    table.ratio(
        "time, two threads / one",
        Figure::Time(two.elapsed),
        Figure::Time(one.elapsed),
        (1.0 / 1.6, 0.5),
    );
    table.ratio(
        "CPU of a span, two threads / one",
        Figure::Time(two.cpu),
        Figure::Time(one.cpu),
        (1.15, 1.0),
    );
    Ok(())
}

#[derive(Debug)]
struct Took {
    elapsed: Duration,
    cpu: Duration,
}

impl Took {
    const MAX: Self = Self { elapsed: Duration::MAX, cpu: Duration::MAX };

    fn min(self, other: Self) -> Self {
        Self { elapsed: self.elapsed.min(other.elapsed), cpu: self.cpu.min(other.cpu) }
    }
}

/// Appends all requests, each thread every `threads`th of them, and flushes the rest.
fn import(requests: &[Vec<u8>], threads: usize, spans: u64) -> Outcome<Took> {
    let dir = store_dir()?;
    // A fan-in that is never met: nothing is merged.
    let store = Store::open(dir.path(), stores::options().threads(0).merge_fan_in(100_000))?;
    let begin = Instant::now();
    let (done, cpu) = cpu::of(|| -> Outcome {
        std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads)
                .map(|thread| {
                    let store = &store;
                    let own = requests.iter().skip(thread).step_by(threads);
                    scope.spawn(move || -> tracekeep::Result<()> {
                        for request in own {
                            store.append_otlp(request)?;
                        }
                        Ok(())
                    })
                })
                .collect();
            running.into_iter().try_for_each(|thread| -> Outcome {
                Ok(thread.join().map_err(|_| "an appending thread panicked")??)
            })
        })?;
        Ok(store.flush()?)
    });
    done?;
    let elapsed = begin.elapsed();
    check("spans", store.stats()?.spans == spans)?;
    store.close()?;
    Ok(Took { elapsed, cpu })
}
