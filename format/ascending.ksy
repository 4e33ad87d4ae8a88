meta:
  id: ascending
  title: Ascending column (SPEC.md, S17.14)
  license: MIT OR Apache-2.0
  imports:
    - varint
    - bits
seq:
  - id: count
    type: varint
  - id: base
    type: varint
    if: count.value > 0
  - id: step
    type: varint
    if: count.value > 0
  - id: width
    type: u1
    if: count.value > 0
  - id: len_high
    type: varint
    if: count.value > 0
  - id: low
    size: '(count.value * width + 7) / 8'
    type: low
    if: count.value > 0
  - id: high
    size: len_high.value
    if: count.value > 0
types:
  low:
    seq:
      - id: parts
        type: bits(_index * _parent.width, _parent.width)
        repeat: expr
        repeat-expr: _parent.count.value
instances:
  last_byte:
    value: 'high[high.size - 1]'
  last_bit:
    doc: The place in the last byte of its highest bit.
    value: >-
      last_byte >= 128 ? 7 : last_byte >= 64 ? 6 : last_byte >= 32 ? 5 : last_byte >= 16 ? 4
      : last_byte >= 8 ? 3 : last_byte >= 4 ? 2 : last_byte >= 2 ? 1 : 0
  last:
    doc: The last value; like all, modulo 2^64.
    value: >-
      base.value + step.value * (low.parts[count.value - 1].value
      + ((8 * (high.size - 1) + last_bit - (count.value - 1)) << width))
