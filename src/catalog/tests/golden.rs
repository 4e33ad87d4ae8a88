//! What is read of the golden manifests is written again to the byte.

use std::path::Path;

use super::*;
use crate::catalog::manifest;

#[test]
fn records_of_golden_manifests_are_written_as_they_are_read() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("format/golden");
    let mut records = 0;
    for file in ["v5/operations.manifest", "v5/store/MANIFEST"] {
        let bytes = std::fs::read(golden.join(file)).unwrap();
        let found = manifest::read(Path::new(file), &bytes).unwrap();
        let mut again = Vec::new();
        for (_, number, whole, edit) in manifest::records(&bytes) {
            let version = Version { number, ..Version::empty(0).apply(&edit) };
            again.extend(match whole {
                true => manifest::whole(&version).unwrap(),
                false => manifest::edit_record(number, &edit).unwrap(),
            });
            records += 1;
        }
        assert!(again == bytes[..found.end], "{file}");
    }
    assert!(records > 8, "golden manifests are missing");
}
