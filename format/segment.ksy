meta:
  id: segment
  title: Tracekeep segment (SPEC.md, chapters 9 to 15 and 17 to 19)
  license: MIT OR Apache-2.0
  endian: le
  imports:
    - varint
    - ascending
    - packed
    - models
    - bloom
doc: >-
  One immutable file of spans. `process: zstd_frame` stands for S1.10, `unfold` for S17.12; both are the caller's to
  provide. Runs, which follow
  bit by bit, are in runs.ksy; where they begin follows from the steps of a block (chapter 14), which a description
  without loops cannot walk.
instances:
  header:
    pos: 0
    type: header
  footer:
    pos: _io.size - 128
    type: footer
  footer_before:
    pos: _io.size - 256
    type: footer
  footer_first:
    pos: footer.ofs_area - 128
    type: footer
  pages:
    pos: footer.ofs_pages
    size: footer.ofs_area - 128 - footer.ofs_pages
  directory:
    pos: footer.ofs_area + footer.len_area - footer.len_directory
    type: entry
    repeat: expr
    repeat-expr: footer.len_directory / 20
  len_granule:
    value: >-
      footer.len_area <= 65536 ? 512 : footer.len_area <= 262144 ? 1024
      : footer.len_area <= 1048576 ? 2048 : 4096
  len_parity:
    value: 'footer.len_area < len_granule ? footer.len_area : len_granule'
  granules:
    value: (footer.len_area + len_granule - 1) / len_granule
  parity:
    pos: footer.ofs_area + footer.len_area
    size: len_parity
  crc_tables:
    pos: footer.ofs_area + footer.len_area + len_parity
    type: crc_table
    repeat: expr
    repeat-expr: 2
types:
  header:
    seq:
      - id: magic
        contents: TKEEPSEG
      - id: version
        type: u4
        valid: 5
      - id: reserved
        size: 48
      - id: crc32
        type: u4
  footer:
    seq:
      - id: magic
        contents: TKEEPEND
      - id: version
        type: u4
        valid: 5
      - id: len_directory
        type: u4
      - id: ofs_pages
        type: u8
      - id: ofs_area
        type: u8
      - id: len_area
        type: u8
      - id: block_rows
        type: u4
        valid:
          min: 1
          max: 65535
      - id: crc32_area
        type: u4
      - id: spans
        type: u4
      - id: flags
        type: u4
      - id: traces
        type: u8
      - id: first_start
        type: u8
      - id: last_start
        type: u8
      - id: last_end
        type: u8
      - id: max_duration
        type: u8
      - id: errors
        type: u8
      - id: len_file
        type: u8
      - id: reserved
        size: 12
      - id: crc32
        type: u4
  crc_table:
    seq:
      - id: granules
        type: u4
        repeat: expr
        repeat-expr: _root.granules
      - id: parity
        type: u4
      - id: crc32
        type: u4
  entry:
    seq:
      - id: kind
        type: u4
        enum: kind
      - id: offset
        type: u8
      - id: len
        type: u8
    instances:
      ofs_file:
        value: _root.footer.ofs_area + offset
      stored:
        pos: ofs_file
        size: len
        io: _root._io
      models:
        pos: ofs_file
        size: len
        process: zstd_frame
        type: models
        io: _root._io
        if: kind == kind::models
      contexts:
        pos: ofs_file
        size: len
        type: contexts
        io: _root._io
        if: kind == kind::resources_and_scopes
      page_directory:
        pos: ofs_file
        size: len
        process: zstd_frame
        type: page_directory
        io: _root._io
        if: kind == kind::page_directory
      block_directory:
        pos: ofs_file
        size: len
        process: zstd_frame
        type: block_directory
        io: _root._io
        if: kind == kind::block_directory
      trace_table:
        pos: ofs_file
        size: len
        type: trace_table
        io: _root._io
        if: kind == kind::trace_table
      trace_id_index:
        pos: ofs_file
        size: len
        type: hash_table
        io: _root._io
        if: kind == kind::trace_id_index
      bloom_filter:
        pos: ofs_file
        size: len
        type: bloom
        io: _root._io
        if: kind == kind::bloom_filter
      folded:
        pos: ofs_file
        size: len
        type: folded
        io: _root._io
        if: kind == kind::tag_index or kind == kind::dictionaries
      tag_index:
        pos: ofs_file
        size: len
        process: unfold
        type: tag_index
        io: _root._io
        if: kind == kind::tag_index
      dictionaries:
        pos: ofs_file
        size: len
        process: unfold
        type: dictionaries
        io: _root._io
        if: kind == kind::dictionaries
      zone_maps:
        pos: ofs_file
        size: len
        type: zone_maps
        io: _root._io
        if: kind == kind::zone_maps
      content:
        doc: Operations, peaks, statistics and sketches.
        pos: ofs_file
        size: len
        process: zstd_frame
        io: _root._io
        if: 'kind == kind::operations or kind == kind::peaks or kind == kind::statistics or kind == kind::sketches'
  contexts:
    seq:
      - id: resources
        type: varint
      - id: scopes
        type: varint
      - id: directory
        type: page_directory
      - id: pages
        size-eos: true
  page_directory:
    seq:
      - id: len_pages
        type: varint
      - id: pages
        type: page
        repeat: expr
        repeat-expr: len_pages.value
  page:
    seq:
      - id: first
        type: varint
      - id: records_apart
        type: varint
        if: first.value == 0
      - id: len_stored
        type: varint
      - id: len_raw
        type: varint
      - id: crc32
        type: u4
    instances:
      is_apart:
        value: first.value == 0
      records:
        value: 'is_apart ? records_apart.value : first.value'
  block_directory:
    seq:
      - id: ends
        type: varint
        repeat: eos
  block:
    doc: Chapter 15; made from the bytes that the block directory gives it, and the number of duration models.
    params:
      - id: models
        type: u4
    seq:
      - id: len_durations
        type: varint
      - id: durations
        size: len_durations.value
        type: durations(models)
      - id: durations_crc32
        type: u4
      - id: beginnings
        type: varint
      - id: ordinal
        type: varint
      - id: first_record
        type: varint
      - id: bits
        size: _io.size - _io.pos - 4
      - id: crc32
        type: u4
    instances:
      rows:
        value: durations.counts[models - 1].rows
  durations:
    params:
      - id: models
        type: u4
    seq:
      - id: counts
        type: duration_count(_index)
        repeat: expr
        repeat-expr: models
      - id: runs
        size-eos: true
  duration_count:
    doc: How many rows a duration model has; `rows` adds up those of the models up to this one.
    params:
      - id: index
        type: u4
    seq:
      - id: count
        type: varint
    instances:
      rows:
        value: '(index == 0 ? 0 : _parent.counts[index - 1].rows.as<u4>) + count.value'
  trace_table:
    seq:
      - id: traces
        type: varint
      - id: page_traces
        type: varint
      - id: offsets
        type: packed
      - id: pages
        type: trace_page
        repeat: eos
  trace_page:
    seq:
      - id: first_rows
        type: ascending
      - id: first_start
        type: ascending
      - id: id_high
        doc: Zigzagged, like the low half (S18.2).
        type: packed
      - id: id_low
        type: packed
      - id: last_start
        type: packed
      - id: latest_end
        type: packed
      - id: max_duration
        type: packed
      - id: flags
        type: packed
  hash_table:
    seq:
      - id: bucket_bits
        type: u1
      - id: rest_bits
        type: u1
      - id: ordinal_bits
        type: u1
      - id: fences
        type: packed
      - id: entries
        type: packed
  folded:
    seq:
      - id: len_pages
        type: varint
      - id: pages
        type: folded_page
        repeat: expr
        repeat-expr: len_pages.value
      - id: stored
        size: pages[_index].len_stored.value
        repeat: expr
        repeat-expr: len_pages.value
  folded_page:
    seq:
      - id: len_raw
        type: varint
      - id: len_stored
        type: varint
  tag_index:
    doc: The raw bytes.
    seq:
      - id: traces
        type: varint
      - id: len_directory
        type: varint
      - id: len_records
        type: varint
      - id: len_parts
        type: varint
      - id: directory
        size: len_directory.value
        type: keys
      - id: records
        size: len_records.value
      - id: parts
        size: len_parts.value
      - id: heap
        size-eos: true
  dictionaries:
    doc: The raw bytes of all dictionaries of texts, one behind another.
    seq:
      - id: dictionaries
        type: sorted_texts
        repeat: eos
  keys:
    seq:
      - id: names
        type: sorted_texts
      - id: offsets
        type: packed
  sorted_texts:
    seq:
      - id: len_texts
        type: varint
      - id: starts
        type: packed
      - id: groups
        size: starts.last
  zone_maps:
    seq:
      - id: first_start
        type: packed
      - id: last_start
        type: packed
      - id: latest_end
        type: packed
      - id: max_duration
        type: packed
      - id: errors
        type: packed
enums:
  kind:
    1: models
    2: resources_and_scopes
    3: page_directory
    4: block_directory
    5: trace_table
    6: trace_id_index
    7: bloom_filter
    8: tag_index
    9: operations
    10: zone_maps
    11: peaks
    12: statistics
    13: sketches
    14: dictionaries
