meta:
  id: varint
  title: Unsigned LEB128 of at most ten bytes (SPEC.md, S1.4)
  license: MIT OR Apache-2.0
doc: Shared by the files' descriptions. `signed` is the reading of S1.5.
seq:
  - id: bytes
    type: u1
    repeat: until
    repeat-until: _ < 0x80
instances:
  last:
    value: bytes.size - 1
  value:
    value: >-
      (bytes[0] & 127)
      + (last >= 1 ? (bytes[1] & 127) << 7 : 0)
      + (last >= 2 ? (bytes[2] & 127) << 14 : 0)
      + (last >= 3 ? (bytes[3] & 127) << 21 : 0)
      + (last >= 4 ? (bytes[4] & 127) << 28 : 0)
      + (last >= 5 ? (bytes[5] & 127) << 35 : 0)
      + (last >= 6 ? (bytes[6] & 127) << 42 : 0)
      + (last >= 7 ? (bytes[7] & 127) << 49 : 0)
      + (last >= 8 ? (bytes[8] & 127) << 56 : 0)
      + (last >= 9 ? (bytes[9] & 127) << 63 : 0)
  signed:
    value: '(value & 1) == 0 ? value >> 1 : -(value >> 1) - 1'
