//! The command for developers that writes the files anew.

use std::path::Path;

use tracekeep::Reader;

use crate::files::{HEX, LIBRARIES, SAID, SPANS, current, folder, hex, inside, pack, said};
use crate::world::{dump, dump_store};
use crate::{corrupt, libraries, recipe};

#[test]
#[ignore = "writes format/golden and format/corrupt"]
fn rewrite() {
    rewrite_golden();
    rewrite_corrupt();
}

fn rewrite_golden() {
    let root = current();
    if root.exists() {
        std::fs::remove_dir_all(&root).unwrap();
    }
    let made = recipe::make();
    for (path, bytes) in &made {
        write(&root.join(path), bytes);
    }
    for (path, bytes) in &made {
        let file = root.join(path);
        let beside =
            |suffix: &str, bytes: &[u8]| write(&root.join(format!("{path}{suffix}")), bytes);
        match () {
            () if bytes.is_empty() => continue,
            () if path.ends_with(".seg") => {
                beside(SPANS, &pack(&dump(&Reader::open_files(&[&file]).unwrap())));
            }
            () => beside(SAID, said(&file).as_bytes()),
        }
        beside(HEX, hex(&file, bytes).as_bytes());
    }
    write(&root.join(format!("store{SPANS}")), pack(&dump_store(&inside(&made, "store"))));
    write(&root.join(LIBRARIES), libraries::built_with());
}

fn rewrite_corrupt() {
    let root = folder("corrupt");
    if root.exists() {
        std::fs::remove_dir_all(&root).unwrap();
    }
    let cases = corrupt::make();
    for case in &cases {
        let path = root.join(case.name);
        assert!(!path.exists(), "two cases are called {}", case.name);
        write(&path, &case.bytes);
    }
    write(&root.join(corrupt::LIST), corrupt::lines(&cases, &root));
}

pub fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}
