meta:
  id: log
  title: Tracekeep log file (SPEC.md, chapter 7)
  license: MIT OR Apache-2.0
  endian: le
doc: >-
  A header page, then frames. Frames end where one is not whole; what stands there is torn, or of a former life of the
  file, and is told from a frame by its file number.
seq:
  - id: magic
    contents: TKEEPLOG
  - id: version
    type: u4
    valid: 1
  - id: crc32_opening
    type: u4
  - id: number
    type: u8
  - id: first_sequence
    type: u8
  - id: crc32_identity
    type: u4
instances:
  marks:
    pos: 512
    type: slot
    repeat: expr
    repeat-expr: 2
  frames:
    pos: 4096
    type: frame
    repeat: until
    repeat-until: not _.is_whole or _io.pos + 24 > _io.size
types:
  slot:
    seq:
      - id: mark
        type: mark
        size: 512
  mark:
    seq:
      - id: number
        type: u8
      - id: synced_end
        type: u8
      - id: crc32
        type: u4
  frame:
    seq:
      - id: len_payload
        type: u4
      - id: sequence
        type: u8
      - id: number
        type: u8
      - id: crc32
        type: u4
      - id: payload
        size: len_payload
        if: is_whole
    instances:
      is_whole:
        doc: Another file's number is that of a former life; its checksum is for the reader to check.
        value: number == _root.number and len_payload <= _io.size - _io.pos
