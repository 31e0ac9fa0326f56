//! Integration tests of the sink: files and their names, every format read back by an independent reader.

#[cfg(test)]
mod it {
    mod batches;
    mod columnar;
    mod files;
    mod text;
}
