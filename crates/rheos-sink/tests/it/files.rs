//! Files and their names: whole or not there, never overwritten by accident.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Int32Array, RecordBatch};
use rheos_sink::{Error, Format, Sink, SinkOptions, Target};
use tempfile::tempdir;

fn batch() -> RecordBatch {
    RecordBatch::try_from_iter(vec![("n", Arc::new(Int32Array::from(vec![1, 2])) as _)]).unwrap()
}

fn create(path: &Path, force: bool) -> Result<Sink, Error> {
    let mut options = SinkOptions::new(Format::Csv);
    options.force = force;
    Sink::create(&Target::File(path.to_owned()), batch().schema(), options)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_appears_whole() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    let mut sink = create(&path, false).unwrap();
    sink.write(&batch()).unwrap();
    let partial = names(folder.path());
    assert!(partial.len() == 1 && partial[0].starts_with(".rows.csv."), "{partial:?}");
    let written = sink.finish().unwrap();
    assert_eq!((written.rows, written.bytes), (2, 6));
    assert_eq!(names(folder.path()), ["rows.csv"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "n\n1\n2\n");
}

#[test]
fn a_dropped_sink_leaves_nothing() {
    let folder = tempdir().unwrap();
    for format in Format::ALL {
        let path = folder.path().join("rows.any");
        let options = SinkOptions::new(format);
        let mut sink = Sink::create(&Target::File(path), batch().schema(), options).unwrap();
        sink.write(&batch()).unwrap();
        drop(sink);
        assert!(names(folder.path()).is_empty(), "{format}");
    }
}

#[test]
fn a_file_is_overwritten_only_by_force_and_only_at_the_end() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    fs::write(&path, "old").unwrap();
    let error = create(&path, false).unwrap_err();
    assert!(matches!(error, Error::Exists { .. }));
    assert!(error.to_string().contains("rows.csv") && error.hint().unwrap().contains("--force"));

    let mut sink = create(&path, true).unwrap();
    sink.write(&batch()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    sink.finish().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "n\n1\n2\n");
    assert_eq!(names(folder.path()), ["rows.csv"]);
}

#[test]
fn a_file_that_appears_meanwhile_is_kept() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    let sink = create(&path, false).unwrap();
    fs::write(&path, "other").unwrap();
    assert!(matches!(sink.finish().unwrap_err(), Error::Exists { .. }));
    assert_eq!(fs::read_to_string(&path).unwrap(), "other");
    assert_eq!(names(folder.path()), ["rows.csv"]);
}

#[test]
fn a_link_stays_a_link() {
    let folder = tempdir().unwrap();
    let (real, link) = (folder.path().join("real.csv"), folder.path().join("link.csv"));
    fs::write(&real, "old").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    create(&link, true).unwrap().finish().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "n\n");
}

#[test]
fn wrong_places_say_what_to_do() {
    let folder = tempdir().unwrap();
    let error = create(&folder.path().join("no/where/rows.csv"), false).unwrap_err();
    assert!(matches!(error, Error::NoFolder { .. }), "{error}");
    assert!(
        error.hint().unwrap().starts_with("run `mkdir -p ")
            && error.hint().unwrap().contains("no/where")
    );

    let error = create(folder.path(), true).unwrap_err();
    assert!(matches!(error, Error::IsFolder { .. }), "{error}");
    assert!(error.hint().unwrap().contains("rows.parquet"));

    let long = folder.path().join(format!("{}.csv", "x".repeat(251)));
    create(&long, false).unwrap().finish().unwrap();
    assert!(long.exists());
}

#[test]
fn nothing_is_touched_when_options_are_impossible() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let mut options = SinkOptions::new(Format::Parquet);
    options.level = Some(99);
    let result = Sink::create(&Target::File(path), batch().schema(), options);
    assert!(matches!(result, Err(Error::Level { level: 99, .. })));
    assert!(names(folder.path()).is_empty());
}

#[test]
fn devices_are_written_as_they_are() {
    let null = Path::new("/dev/null");
    let mut sink = create(null, false).unwrap();
    sink.write(&batch()).unwrap();
    sink.finish().unwrap();
    assert!(!fs::metadata(null).unwrap().is_file());

    let full = Path::new("/dev/full");
    if full.exists() {
        let mut sink = create(full, false).unwrap();
        sink.write(&batch()).unwrap();
        let error = sink.finish().unwrap_err();
        assert_eq!(error.to_string(), "cannot write `/dev/full`");
        assert!(error.hint().unwrap().contains("free space"), "{error:?}");
    }
}

/// A reader that has gone after `room` bytes.
struct Gone {
    room: usize,
}

impl Write for Gone {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let n = bytes.len().min(self.room);
        self.room -= n;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_broken_pipe_is_told_apart_in_every_format() {
    for format in Format::ALL {
        for room in [0, 3, 5] {
            let options = SinkOptions::new(format);
            let result = Sink::to_writer(Gone { room }, batch().schema(), options)
                .and_then(|mut sink| sink.write(&batch()).map(|()| sink))
                .and_then(Sink::finish);
            assert!(matches!(result, Err(Error::BrokenPipe)), "{format} {room}: {result:?}");
        }
    }
}
