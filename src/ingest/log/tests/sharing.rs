//! Tests of replaying beside a writer that appends, rotates and recycles.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::{DIR, open};
use crate::base::error::Error;
use crate::disk::hooked::HookedDisk;
use crate::disk::memory::{MemDisk, Survivors};
use crate::disk::{Disk, names};
use crate::ingest::log::*;

fn payload(seq: u64) -> Vec<u8> {
    vec![seq as u8; 40 + seq as usize * 37 % 200]
}

/// Appends `count` frames, each told by its sequence.
fn append(log: &Log, count: u64) {
    for _ in 0..count {
        let seq = log.next_seq();
        assert_eq!(log.append(&[&payload(seq)]).unwrap(), seq..seq + 1);
    }
}

/// Replays as a reader does, and checks that what comes is whole and in order.
fn read(disk: &dyn Disk, from: Cursor) -> Replayed {
    let mut next = from.next_seq();
    let replayed = replay(disk, Path::new(DIR), from, &mut |seq, bytes| {
        assert_eq!((seq, bytes), (next, payload(seq).as_slice()));
        next += 1;
        Ok(())
    });
    let replayed = replayed.unwrap();
    if let Replayed::Whole(cursor) = &replayed {
        assert_eq!(cursor.next_seq(), next);
    }
    replayed
}

fn whole(replayed: Replayed) -> Cursor {
    match replayed {
        Replayed::Whole(cursor) => cursor,
        Replayed::Moved(error) => panic!("{error}"),
    }
}

#[test]
fn p9_a_reader_sees_what_was_appended_and_goes_on_from_there() {
    let disk = MemDisk::new();
    let cursor = whole(read(&disk, Cursor::at(1)));
    assert_eq!(cursor.next_seq(), 1);
    let (log, _) = open(&disk, Bounds::default()).unwrap();
    let mut cursor = cursor;
    for count in [1, 0, 3, 7, 2, 20, 1] {
        append(&log, count);
        cursor = whole(read(&disk, cursor));
        assert_eq!(cursor.next_seq(), log.next_seq());
        assert_eq!(whole(read(&disk, Cursor::at(1))), cursor);
    }
    let through = log.sync().unwrap();
    log.release(through).unwrap();
    assert_eq!(whole(read(&disk, cursor)), cursor);
    assert!(matches!(read(&disk, Cursor::at(1)), Replayed::Moved(_)));
    append(&log, 5);
    assert_eq!(whole(read(&disk, cursor)).next_seq(), log.next_seq());
}

#[test]
fn p9_a_writer_that_comes_between_is_noticed_or_does_no_harm() {
    let (mut moved, mut met) = (0, 0);
    for call in 0..40 {
        for released in [0, 3, 9, 14] {
            let disk = MemDisk::new();
            let (log, _) = open(&disk, Bounds::default()).unwrap();
            append(&log, 14);
            let acknowledged = log.next_seq();
            let log = Arc::new(Mutex::new(log));
            let hooked = HookedDisk::new(&disk);
            let writer = Arc::clone(&log);
            hooked.before(call, move || {
                let log = writer.lock().unwrap();
                append(&log, 3);
                log.sync().unwrap();
                log.release(released).unwrap();
                append(&log, 9);
            });
            match read(&hooked, Cursor::at(4)) {
                Replayed::Whole(cursor) => assert!(cursor.next_seq() >= acknowledged),
                Replayed::Moved(_) => {
                    assert!(released > 3, "no frame that is wanted was released");
                    moved += 1;
                }
            }
            met += u64::from(hooked.has_run());
            let log = log.lock().unwrap();
            if hooked.has_run() {
                let end = whole(read(&disk, Cursor::at(released.max(3) + 1)));
                assert_eq!(end.next_seq(), log.next_seq());
            }
        }
    }
    assert!(moved > 5 && met > 20, "{moved} of {met}");
}

#[test]
fn p9_a_torn_frame_is_the_end_until_it_is_whole() {
    let disk = MemDisk::new();
    let (log, _) = open(&disk, Bounds::default()).unwrap();
    append(&log, 2);
    let path = Path::new(DIR).join(names::log_file(1));
    let before = disk.read(&path).unwrap();
    append(&log, 1);
    let after = disk.read(&path).unwrap();
    for len in before.len()..after.len() {
        let copy = disk.crash(Survivors::All);
        copy.create(&path).unwrap().write_at(0, after.get(..len).unwrap()).unwrap();
        assert_eq!(whole(read(&copy, Cursor::at(1))).next_seq(), 3);
    }
    assert_eq!(whole(read(&disk, Cursor::at(1))).next_seq(), 4);
}

#[test]
fn p6_a_reader_tells_damage_from_movement() {
    let disk = MemDisk::new();
    let (log, _) = open(&disk, Bounds::default()).unwrap();
    append(&log, 14);
    let path = Path::new(DIR).join(names::log_file(2));
    disk.open_write(&path).unwrap().write_at(4096 + 30, &[0xff]).unwrap();
    let found = replay(&disk, Path::new(DIR), Cursor::at(1), &mut |_, _| Ok(()));
    match found {
        Err(Error::Corrupt { file, .. }) => assert_eq!(file, path),
        other => panic!("{other:?}"),
    }
}
