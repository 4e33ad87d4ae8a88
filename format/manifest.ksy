meta:
  id: manifest
  title: Tracekeep manifest (SPEC.md, chapter 5)
  license: MIT OR Apache-2.0
  endian: le
  imports:
    - varint
doc: The catalog's records. What follows the last whole record is torn.
seq:
  - id: opening
    type: opening
  - id: records
    type: record
    repeat: until
    repeat-until: not _.is_whole or _io.pos + 16 > _io.size
types:
  opening:
    seq:
      - id: magic
        contents: TKEEPMAN
      - id: version
        type: u4
        valid: 2
      - id: crc32
        type: u4
  record:
    seq:
      - id: offset_marker
        size: 0
        if: offset >= 0
      - id: len_payload
        type: u4
      - id: catalog_version
        type: u8
      - id: crc32
        type: u4
      - id: payload
        size: len_payload
        type: payload
        if: is_whole
    instances:
      offset:
        value: _io.pos
      is_whole:
        value: len_payload <= _root._io.size - (offset + 16)
  payload:
    seq:
      - id: kind
        type: u1
        enum: kind
      - id: operations
        type: operation
        repeat: eos
  operation:
    seq:
      - id: code
        type: varint
      - id: id_segment
        type: varint
        if: code.value == 1
      - id: partition
        type: partition
        if: code.value >= 2 and code.value <= 5
      - id: number
        type: varint
        doc: A sequence, a state, a segment id.
        if: code.value >= 2
      - id: len_file
        type: varint
        if: code.value == 3
      - id: len_summary
        type: varint
        if: code.value == 3
      - id: summary
        type: summary
        size: len_summary.value
        if: code.value == 3
  partition:
    seq:
      - id: start
        type: varint
      - id: width
        type: varint
  summary:
    seq:
      - id: rows
        type: u4
      - id: flags
        type: u4
      - id: numbers
        type: u8
        repeat: expr
        repeat-expr: 7
enums:
  kind:
    0: edit
    1: whole
