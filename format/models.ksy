meta:
  id: models
  title: Templates, the models of their columns, the grammar, words (SPEC.md, chapters 12 to 14)
  license: MIT OR Apache-2.0
  imports:
    - varint
doc: The content of section 1, decompressed.
seq:
  - id: len_templates
    type: varint
  - id: skeletons
    type: prefixed_skeleton
    repeat: expr
    repeat-expr: len_templates.value
  - id: len_durations
    type: varint
  - id: durations
    doc: The models that the durations of templates share.
    type: ints
    repeat: expr
    repeat-expr: len_durations.value
  - id: templates
    type: columns(_index)
    repeat: expr
    repeat-expr: len_templates.value
  - id: grammar
    type: grammar
  - id: words
    type: words
  - id: ids
    doc: Models of span ids and of explicit parents, where ids are not plain.
    type: ids
    if: not _io.eof
types:
  text:
    seq:
      - id: len
        type: varint
      - id: value
        size: len.value
        type: str
        encoding: UTF-8
  prefixed_skeleton:
    seq:
      - id: len
        type: varint
      - id: skeleton
        size: len.value
        type: skeleton
        if: len.value > 0
    instances:
      slots:
        doc: Columns behind resource, start and duration; a spelled row has its scope and its bytes.
        value: 'len.value == 0 ? 2 : skeleton.slots'
  skeleton:
    seq:
      - id: scope
        type: varint
      - id: name
        type: text
      - id: kind
        type: varint
      - id: mask
        type: varint
      - id: status
        type: varint
        if: (mask.value & 64) != 0
      - id: attributes
        type: attributes
      - id: len_events
        type: varint
      - id: events
        type: event(_index)
        repeat: expr
        repeat-expr: len_events.value
      - id: len_links
        type: varint
      - id: links
        type: link(_index)
        repeat: expr
        repeat-expr: len_links.value
    instances:
      own_slots:
        value: >-
          (mask.value & 1) + (mask.value >> 1 & 1) + (mask.value >> 2 & 1) + (mask.value >> 3 & 1) + (mask.value >> 4 & 1)
          + (mask.value >> 5 & 1) + (mask.value >> 7 & 1) + (mask.value >> 8 & 1)
      slots:
        value: >-
          own_slots + attributes.slots + (len_events.value == 0 ? 0 : events[len_events.value - 1].slots.as<u4>)
          + (len_links.value == 0 ? 0 : links[len_links.value - 1].slots.as<u4>)
  attributes:
    seq:
      - id: count
        type: varint
      - id: items
        type: attribute(_index)
        repeat: expr
        repeat-expr: count.value
    instances:
      slots:
        value: 'count.value == 0 ? 0 : items[count.value - 1].slots.as<u4>'
  attribute:
    params:
      - id: index
        type: u4
    seq:
      - id: key
        type: text
      - id: kind
        type: u1
    instances:
      slots:
        doc: Of this attribute and those before.
        value: '(index == 0 ? 0 : _parent.items[index - 1].slots.as<u4>) + (kind >= 2 ? 1 : 0)'
  event:
    params:
      - id: index
        type: u4
    seq:
      - id: mask
        type: varint
      - id: name
        type: text
      - id: attributes
        type: attributes
    instances:
      slots:
        value: >-
          (index == 0 ? 0 : _parent.events[index - 1].slots.as<u4>) + 1 + (mask.value >> 2 & 1) + (mask.value >> 3 & 1)
          + attributes.slots
  link:
    params:
      - id: index
        type: u4
    seq:
      - id: mask
        type: varint
      - id: attributes
        type: attributes
    instances:
      slots:
        value: >-
          (index == 0 ? 0 : _parent.links[index - 1].slots.as<u4>) + 3 + (mask.value & 1) + (mask.value >> 1 & 1)
          + (mask.value >> 2 & 1) + (mask.value >> 3 & 1) + attributes.slots
  columns:
    params:
      - id: index
        type: u4
    seq:
      - id: columns
        type: column
        repeat: expr
        repeat-expr: 3 + _root.skeletons[index].slots
  column:
    seq:
      - id: tag
        type: u1
        enum: column_tag
      - id: len_locals
        type: varint
        if: tag == column_tag::codes
      - id: locals
        type: varint
        repeat: expr
        repeat-expr: len_locals.value
        if: tag == column_tag::codes
      - id: ints
        type: ints
        if: tag == column_tag::ints or tag == column_tag::codes or tag == column_tag::records
      - id: texts
        type: texts
        if: tag == column_tag::text
      - id: duration
        doc: Which of the duration models.
        type: varint
        if: tag == column_tag::duration
  ids:
    seq:
      - id: span
        type: ints
      - id: parent
        type: ints
  ints:
    seq:
      - id: tag
        type: u1
        enum: int_tag
      - id: constant
        type: varint
        if: tag == int_tag::constant
      - id: base
        type: varint
        if: tag != int_tag::constant and tag != int_tag::dictionary
      - id: step
        type: varint
        if: tag != int_tag::constant and tag != int_tag::dictionary
      - id: len_widths
        type: u1
        if: tag == int_tag::classes or tag == int_tag::classes_raw
      - id: widths
        type: u1
        repeat: expr
        repeat-expr: 'tag == int_tag::fixed ? 1 : len_widths'
        if: tag != int_tag::constant and tag != int_tag::dictionary
      - id: len_values
        type: varint
        if: tag == int_tag::dictionary
      - id: values
        type: varint
        repeat: expr
        repeat-expr: len_values.value
        if: tag == int_tag::dictionary
      - id: codes
        type: ints
        if: tag == int_tag::dictionary
  texts:
    seq:
      - id: tag
        type: u1
        enum: text_tag
      - id: constant
        type: text
        if: tag == text_tag::constant
      - id: pattern
        type: pattern
        if: tag == text_tag::pattern
      - id: len_forms
        type: u1
        if: tag == text_tag::forms
      - id: forms
        type: pattern
        repeat: expr
        repeat-expr: len_forms
        if: tag == text_tag::forms
  pattern:
    seq:
      - id: len_parts
        type: u1
      - id: parts
        type: part
        repeat: expr
        repeat-expr: len_parts
  part:
    seq:
      - id: tag
        type: u1
        enum: part_tag
      - id: literal
        type: text
        if: tag == part_tag::literal
      - id: len_hex
        type: u1
        if: tag == part_tag::hex or tag == part_tag::upper_hex
      - id: digits
        type: u1
        if: tag == part_tag::padded
      - id: version
        type: u1
        if: tag == part_tag::uuid_of_one_version
      - id: numbers
        type: ints
        if: tag == part_tag::decimal or tag == part_tag::padded or tag == part_tag::word or tag == part_tag::whole_word
  grammar:
    seq:
      - id: rank_bits
        type: u1
      - id: step_bits
        type: u1
      - id: step_form
        type: u1
      - id: len_steps
        type: varint
      - id: steps
        type: varint
        repeat: expr
        repeat-expr: len_steps.value
      - id: states
        type: successors
        repeat: expr
        repeat-expr: 'rank_bits == 0 ? 0 : len_steps.value + 1'
  successors:
    seq:
      - id: len
        type: varint
      - id: steps
        type: varint
        repeat: expr
        repeat-expr: len.value
  words:
    seq:
      - id: spelled
        type: varint
      - id: held
        type: varint
      - id: len_dictionaries
        type: varint
      - id: dictionaries
        type: column_place
        repeat: expr
        repeat-expr: len_dictionaries.value
      - id: len_stretches
        type: varint
      - id: stretches
        type: stretch
        repeat: expr
        repeat-expr: len_stretches.value
      - id: gaps
        type: varint
        repeat: expr
        repeat-expr: held.value
      - id: lengths
        type: varint
        repeat: expr
        repeat-expr: spelled.value
      - id: words
        size: lengths[_index].value
        repeat: expr
        repeat-expr: spelled.value
  column_place:
    seq:
      - id: template
        type: varint
      - id: column
        type: varint
  stretch:
    seq:
      - id: words
        type: varint
      - id: whose
        type: varint
enums:
  column_tag:
    0: ints
    1: codes
    2: records
    3: text
    4: paged
    5: duration
  int_tag:
    0: constant
    1: fixed
    2: classes
    3: classes_raw
    4: dictionary
  text_tag:
    0: constant
    2: pattern
    3: forms
  part_tag:
    0: literal
    1: uuid
    2: hex
    3: upper_hex
    4: decimal
    5: padded
    6: uuid_of_one_version
    7: word
    8: whole_word
