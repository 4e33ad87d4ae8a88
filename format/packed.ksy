meta:
  id: packed
  title: Packed column (SPEC.md, S17.1, S17.2)
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
  - id: wide
    type: u1
    if: count.value > 0
  - id: exceptions
    type: varint
    if: count.value > 0
  - id: body
    size: '(count.value * width + exceptions.value * (index_bits.length + wide) + 7) / 8'
    type: body
    if: count.value > 0
types:
  body:
    seq:
      - id: low
        type: bits(_index * _parent.width, _parent.width)
        repeat: expr
        repeat-expr: _parent.count.value
      - id: which
        type: bits(_parent.count.value * _parent.width + _index * _parent.index_bits.length, _parent.index_bits.length)
        repeat: expr
        repeat-expr: _parent.exceptions.value
      - id: high
        type: bits(_parent.count.value * _parent.width + _parent.exceptions.value * _parent.index_bits.length + _index * _parent.wide, _parent.wide)
        repeat: expr
        repeat-expr: _parent.exceptions.value
  bit_length:
    doc: How many bits a number needs.
    params:
      - id: number
        type: u8
    instances:
      length:
        value: 'number == 0 ? 0 : 1 + rest.length.as<u4>'
      rest:
        type: bit_length(number >> 1)
        if: number > 0
        size: 0
        pos: 0
instances:
  index_bits:
    type: bit_length(count.value - 1)
    pos: 0
    size: 0
  is_last_exception:
    value: 'exceptions.value > 0 ? body.which[exceptions.value - 1].value == count.value - 1 : false'
  last:
    doc: The last value; like all, modulo 2^64.
    value: >-
      base.value + step.value * (body.low[count.value - 1].value
      + (is_last_exception ? body.high[exceptions.value - 1].value << width : 0))
