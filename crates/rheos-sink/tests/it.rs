//! Integration tests of the sink: files, formats read back by independent readers, properties.
