meta:
  id: bloom
  title: Bloom filter over trace ids (SPEC.md, S18.6)
  license: MIT OR Apache-2.0
  endian: le
seq:
  - id: version
    type: u1
    valid: 1
  - id: len_bits
    type: u8
  - id: hash_functions
    type: u4
    valid:
      min: 1
      max: 64
  - id: seed
    size: 32
  - id: bits
    size: len_bits
