meta:
  id: bits
  title: Bits of any number at any place (SPEC.md, S1.7)
  license: MIT OR Apache-2.0
doc: Up to 64 bits, which may touch nine bytes; languages whose integers end at 64 bits need care with the ninth.
params:
  - id: at
    type: u8
  - id: width
    type: u8
instances:
  raw:
    pos: at / 8
    size: '(at % 8 + width + 7) / 8'
    if: width > 0
  value:
    value: >-
      width == 0 ? 0 : ((
      raw[0]
      + (raw.size > 1 ? raw[1] << 8 : 0)
      + (raw.size > 2 ? raw[2] << 16 : 0)
      + (raw.size > 3 ? raw[3] << 24 : 0)
      + (raw.size > 4 ? raw[4] << 32 : 0)
      + (raw.size > 5 ? raw[5] << 40 : 0)
      + (raw.size > 6 ? raw[6] << 48 : 0)
      + (raw.size > 7 ? raw[7] << 56 : 0)
      + (raw.size > 8 ? raw[8] << 64 : 0)
      ) >> (at % 8)) & ((1 << width) - 1)
