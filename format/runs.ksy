meta:
  id: runs
  title: The run of a column of integers in a block (SPEC.md, S12.3 to S12.6)
  license: MIT OR Apache-2.0
  imports:
    - bits
    - models
doc: >-
  Made over the bytes of a block, with the model, the bit at which the run begins, and the number of its values. Numbers
  are not yet reduced modulo 2^64.
params:
  - id: model
    type: models::ints
  - id: at
    type: u8
  - id: count
    type: u4
seq:
  - id: values
    type: value(_index)
    repeat: expr
    repeat-expr: count
instances:
  is_classes:
    value: own.tag == models::int_tag::classes or own.tag == models::int_tag::classes_raw
  planes:
    value: 'own.len_widths == 2 ? 1 : 2'
  own:
    doc: The model of the codes, where the values are a dictionary's.
    value: 'model.tag == models::int_tag::dictionary ? model.codes : model'
types:
  value:
    doc: >-
      n0 to n3 count the values of each class up to and with this one; `number` is what stands in the bits, `value` what
      it means.
    params:
      - id: index
        type: u4
    seq:
      - id: low
        type: bits(_parent.at + index, 1)
        if: _parent.is_classes
      - id: high
        type: bits(_parent.at + _parent.count + index, 1)
        if: _parent.is_classes and _parent.planes == 2
    instances:
      selector:
        value: '_parent.is_classes ? low.value + (_parent.planes == 2 ? high.value << 1 : 0) : 0'
      n0:
        value: '(index == 0 ? 0 : _parent.values[index - 1].n0.as<u4>) + (selector == 0 ? 1 : 0)'
      n1:
        value: '(index == 0 ? 0 : _parent.values[index - 1].n1.as<u4>) + (selector == 1 ? 1 : 0)'
      n2:
        value: '(index == 0 ? 0 : _parent.values[index - 1].n2.as<u4>) + (selector == 2 ? 1 : 0)'
      n3:
        value: '(index == 0 ? 0 : _parent.values[index - 1].n3.as<u4>) + (selector == 3 ? 1 : 0)'
      rank:
        doc: How many values of the class stand before this one.
        value: '(selector == 0 ? n0 : selector == 1 ? n1 : selector == 2 ? n2 : n3) - 1'
      place:
        value: >-
          _parent.is_classes ? _parent.at + _parent.planes * _parent.count
          + (selector > 0 ? _parent.values[_parent.count - 1].n0.as<u4> * _parent.own.widths[0] : 0)
          + (selector > 1 ? _parent.values[_parent.count - 1].n1.as<u4> * _parent.own.widths[1] : 0)
          + (selector > 2 ? _parent.values[_parent.count - 1].n2.as<u4> * _parent.own.widths[2] : 0)
          + rank * width : _parent.at + index * width
      width:
        value: '_parent.own.tag == models::int_tag::constant ? 0 : _parent.own.widths[selector]'
      is_raw:
        value: _parent.own.tag == models::int_tag::classes_raw and selector == _parent.own.len_widths - 1
      number:
        pos: 0
        type: bits(place, width)
