use super::*;
use crate::flows::FlowConfig;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        Self(folder)
    }

    fn load(&self, name: &str) -> Result<FlowConfig, FlowError> {
        FlowConfig::load(&self.0.path().join(name), &Variables::NONE)
    }
}

const BASE: &str = "\
generation: {max_flows: 5, seed: 1, rate: {flows_per_second: 3}}
traffic_patterns: [{type: ssh_traffic, percentage: 100}]
packets: {min_size: 70}
";

#[test]
fn what_includes_goes_before_what_is_included() {
    let folder = Folder::new(&[
        ("base.yaml", BASE),
        ("sub/more.toml", "include = '../base.yaml'\n[generation]\nseed = 2\nstream_id = 2\n"),
        ("main.yaml", "include: [sub/more.toml]\ngeneration:\n  seed: 3\npackets:\n"),
        ("last.json", r#"{"generation": {"seed": 9}, "include": ["main.yaml", "base.yaml"]}"#),
    ]);
    let main = folder.load("main.yaml").expect("a configuration");
    assert_eq!((main.seed, main.stream_id, main.max_flows, main.sizes.min), (3, 2, Some(5), 70));
    assert_eq!(folder.load("last.json").expect("a configuration").seed, 9);
}

#[test]
fn errors_name_the_file_that_is_wrong() {
    let folder = Folder::new(&[
        ("base.yaml", &BASE.replace("max_flows: 5", "max_flows: 0")),
        ("main.yaml", "include: base.yaml\n"),
        ("lost.yaml", "\ninclude: nowhere.yaml\n"),
        ("shape.yaml", "include: {a: 1}\n"),
    ]);
    for (name, file, line) in [
        ("main.yaml", "base.yaml", 1),
        ("lost.yaml", "lost.yaml", 2),
        ("shape.yaml", "shape.yaml", 1),
    ] {
        let error = folder.load(name).expect_err(name);
        let place = error.place.clone().expect("a place");
        assert!(place.file.ends_with(file) && place.line == line, "{name}: {error}");
    }
}

#[test]
fn circles_and_towers_end() {
    let mut files = vec![
        ("a.yaml".to_owned(), "include: ./b.yaml\n".to_owned()),
        ("b.yaml".to_owned(), "include: a.yaml\n".to_owned()),
        ("self.yaml".to_owned(), "include: self.yaml\n".to_owned()),
        ("end.yaml".to_owned(), BASE.to_owned()),
        ("wide.yaml".to_owned(), format!("include: [{}]\n", "end.yaml,".repeat(70))),
    ];
    for level in 0..12 {
        let next = if level < 11 { format!("t{}.yaml", level + 1) } else { "end.yaml".to_owned() };
        files.push((format!("t{level}.yaml"), format!("include: {next}\n")));
    }
    let files: Vec<_> = files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let folder = Folder::new(&files);
    for (name, part) in [
        ("a.yaml", "includes itself"),
        ("self.yaml", "includes itself"),
        ("t0.yaml", "8 levels"),
        ("wide.yaml", "64 files"),
    ] {
        let error = folder.load(name).expect_err(name).to_string();
        assert!(error.contains(part), "{name}: {error}");
    }
    assert!(folder.load("t4.yaml").is_ok());
}
