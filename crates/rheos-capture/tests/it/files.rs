//! Files and folders as people name them, and the messages for what goes wrong.

use std::fs;
use std::path::{Path, PathBuf};

use rheos_capture::info::{ByteOrder, Compression, FileState, Format};
use rheos_capture::{CaptureReader, Error, FileOrder, Input, ReadOptions, Source};
use tempfile::TempDir;

use super::made::{Owned, made, packed, pcap, read_all};

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

/// A capture of one frame.
fn one(nanos: u64, data: &[u8]) -> Vec<u8> {
    pcap(&[Owned::new(nanos, data)], ByteOrder::Little)
}

fn texts(inputs: Vec<Input>, options: ReadOptions) -> String {
    let all = read_all(inputs, options);
    all.frames().iter().map(|f| String::from_utf8_lossy(&f.data).into_owned()).collect()
}

fn error(path: &Path, options: ReadOptions) -> Error {
    CaptureReader::open([Input::from_arg(path)], options).err().unwrap()
}

fn named(folder: &TempDir, names: &[&str]) -> Vec<Input> {
    names.iter().map(|name| Input::from_arg(folder.path().join(name))).collect()
}

#[test]
fn a_folder_stands_for_its_captures_in_natural_order() {
    let gzip = packed(Compression::Gzip, &one(5, b"c"));
    let folder = folder(&[
        ("cap10.pcap", &one(1, b"d")),
        ("cap2.pcap.gz", &gzip),
        ("cap1", &one(9, b"a")),
        ("cap1b.bin", &one(9, b"b")),
        ("notes.txt", b"not a capture"),
        ("empty", b""),
        (".hidden.pcap", &one(1, b"!")),
        ("deeper/x.pcap", &one(1, b"e")),
        ("deeper/deepest/y.pcap", &one(1, b"f")),
    ]);
    let input = || vec![Input::from_arg(folder.path())];
    assert_eq!(texts(input(), ReadOptions::default()), "abcd");
    let recursive = ReadOptions { recursive: true, ..ReadOptions::default() };
    assert_eq!(texts(input(), recursive.clone()), "abcdfe");

    let reader = CaptureReader::open(input(), recursive).unwrap();
    let info = reader.info();
    assert_eq!(info.skipped_total, 2);
    let skipped: Vec<String> = info.skipped.iter().map(|s| s.why.to_string()).collect();
    assert!(skipped[0].ends_with("empty` is empty"), "{skipped:?}");
    assert!(skipped[1].ends_with("notes.txt` is not a capture: it seems to be text"));
    assert!(info.files.iter().all(|f| f.state == FileState::Waiting));
}

#[test]
fn files_follow_each_other_as_given_or_by_first_packet() {
    let nothing = pcap(&[], ByteOrder::Little);
    let folder = folder(&[
        ("a", &one(30, b"a")),
        ("b", &one(10, b"b")),
        ("c", &one(20, b"c")),
        ("none", &nothing),
    ]);
    let inputs = || named(&folder, &["none", "a", "b", "c"]);
    assert_eq!(texts(inputs(), ReadOptions::default()), "abc");
    let by_time = ReadOptions { order: FileOrder::FirstPacket, ..ReadOptions::default() };
    assert_eq!(texts(inputs(), by_time.clone()), "bca");
    let error = CaptureReader::open([Input::Stdin, Input::from_arg(folder.path())], by_time);
    assert!(matches!(error.err(), Some(Error::Order { .. })));
}

#[test]
fn damage_in_one_file_does_not_stop_the_next() {
    let whole = one(1, b"whole");
    let cut = &whole[..whole.len() - 1];
    let folder = folder(&[("a", cut), ("b", &whole), ("c", &whole[..10])]);
    let all = read_all(named(&folder, &["a", "b", "c"]), ReadOptions::default());
    assert_eq!(all.frames().len(), 1);
    let [first, second] = all.reader.damage() else { panic!("two damages") };
    assert_eq!((first.file, first.offset, first.compressed), (0, 24, false));
    assert_eq!((second.file, second.offset), (2, 0));
    assert!(first.to_string().ends_with(
        "a` is damaged at byte 24: the file ends inside a packet, 1 byte short; \
         0 packets before it were read"
    ));
    assert!(second.to_string().contains("the file ends inside the file header, 14 bytes short"));
    let states: Vec<FileState> = all.reader.info().files.iter().map(|f| f.state).collect();
    assert_eq!(states, [FileState::Damaged, FileState::Done, FileState::Damaged]);
}

#[test]
fn what_is_no_capture_says_so_and_what_to_do() {
    let folder = folder(&[
        ("capture.pcap", &one(1, b"x")),
        ("empty.pcap", b""),
        ("flows.csv", b"a,b\n1,2\n"),
        ("data.parquet", b"PAR1\x15\x04\x15"),
        ("packed.xz", b"\xfd7zXZ\0\0\0"),
        ("text.gz", &packed(Compression::Gzip, b"hello, this is text")),
        ("none/readme", b"nothing here"),
        ("outer/inner/x.pcap", &one(1, b"x")),
    ]);
    let at = |name: &str| folder.path().join(name);
    let cases: [(&str, &str, Option<&str>); 8] = [
        ("captrue.pcap", "no file named `D/captrue.pcap`", Some("did you mean `D/capture.pcap`?")),
        ("nowhere/x", "no file named `D/nowhere/x`", Some("there is no folder `D/nowhere` either")),
        (
            "empty.pcap",
            "`D/empty.pcap` is empty",
            Some("a capture without packets still has a header: did its writer stop early?"),
        ),
        ("flows.csv", "`D/flows.csv` is not a capture: it seems to be text", None),
        ("data.parquet", "`D/data.parquet` is not a capture: it seems to be a Parquet file", None),
        (
            "packed.xz",
            "`D/packed.xz` is not a capture: it seems to be xz-compressed data",
            Some("unpack it on the way: `xz -dc D/packed.xz | rheos ... -`"),
        ),
        ("text.gz", "`D/text.gz` is not a capture: it seems to be text", None),
        (
            "none",
            "no capture in the folder `D/none`",
            Some("its files are neither pcap nor pcapng, plain or compressed"),
        ),
    ];
    let d = folder.path().display().to_string();
    for (name, message, hint) in cases {
        let error = error(&at(name), ReadOptions::default());
        assert_eq!(error.to_string().replace(&d, "D"), message);
        assert_eq!(error.hint().map(|h| h.replace(&d, "D")).as_deref(), hint, "{name}");
    }
    let error = error(&at("outer"), ReadOptions::default());
    assert!(matches!(error, Error::NoCaptures { files: 0, folders: 1, .. }));
    assert_eq!(error.hint().as_deref(), Some("its folders were not entered: `--recursive` does"));
}

#[test]
fn no_input_and_a_second_standard_input_are_refused() {
    let open = |inputs: Vec<Input>| CaptureReader::open(inputs, ReadOptions::default()).err();
    assert!(matches!(open(vec![]), Some(Error::NoInput)));
    assert!(matches!(open(vec![Input::Stdin, Input::from_arg("-")]), Some(Error::StdinTwice)));
    let options = ReadOptions { batch_frames: 0, ..ReadOptions::default() };
    let error = CaptureReader::open([Input::Stdin], options).err().unwrap();
    assert_eq!(error.to_string(), "`batch_frames` must be at least 1");
}

#[test]
fn what_comes_through_a_pipe_is_judged_when_its_turn_comes() {
    let text = Input::reader("pipe", &b"plain text"[..]);
    let sound = Input::memory("sound", one(1, b"x").into());
    let mut reader = CaptureReader::open([text, sound], ReadOptions::default()).unwrap();
    let error = reader.next_batch().unwrap_err();
    assert_eq!(error.to_string(), "`pipe` is not a capture: it seems to be text");
    assert_eq!(reader.next_batch().unwrap().unwrap().frames.len(), 1);
    assert!(reader.next_batch().unwrap().is_none());
    assert_eq!(reader.info().files[0].state, FileState::Failed);
}

#[test]
fn progress_counts_bytes_on_disk() {
    let file = made(Format::Pcap, &super::made::frames(5000), ByteOrder::Little);
    let gzip = packed(Compression::Gzip, &file);
    let folder = folder(&[("a.pcap", &file), ("b.pcap.gz", &gzip)]);
    let inputs: Vec<PathBuf> = ["a.pcap", "b.pcap.gz"].map(|n| folder.path().join(n)).to_vec();
    let total = (file.len() + gzip.len()) as u64;
    let options = ReadOptions { block_bytes: 64 << 10, ..ReadOptions::default() };
    let mut reader = CaptureReader::open(inputs.into_iter().map(Input::Path), options).unwrap();
    assert_eq!(reader.progress().bytes_total, Some(total));
    let mut last = 0;
    while reader.next_batch().unwrap().is_some() {
        let progress = reader.progress().bytes_read;
        assert!(progress >= last && progress <= total);
        last = progress;
    }
    assert_eq!(reader.progress().bytes_read, total);
    let reader =
        CaptureReader::open([Input::reader("pipe", &b""[..])], ReadOptions::default()).unwrap();
    assert_eq!(reader.progress().bytes_total, None);
}

#[cfg(unix)]
#[test]
fn links_to_captures_are_read_and_links_to_folders_are_not_entered() {
    use std::os::unix::fs::symlink;
    let folder = folder(&[("a/x.pcap", &one(1, b"x"))]);
    symlink(folder.path(), folder.path().join("a/loop")).unwrap();
    symlink(folder.path().join("a/x.pcap"), folder.path().join("a/y.pcap")).unwrap();
    symlink(folder.path().join("gone"), folder.path().join("a/z.pcap")).unwrap();
    let recursive = ReadOptions { recursive: true, ..ReadOptions::default() };
    assert_eq!(texts(vec![Input::from_arg(folder.path())], recursive), "xx");
}
