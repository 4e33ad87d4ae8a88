meta:
  id: ids
  title: Tracekeep id filter (SPEC.md, chapter 19)
  license: MIT OR Apache-2.0
  endian: le
  imports:
    - bloom
seq:
  - id: magic
    contents: TKEEPIDS
  - id: version
    type: u4
    valid: 1
  - id: crc32
    type: u4
  - id: filter
    type: bloom
