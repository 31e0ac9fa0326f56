//! The programs of `tests/programs` and `examples`.

use rheos_core::units::BitRate;
use rheos_core::{FlowRecord, Timestamp};
use rheos_gen::flows::{FlowConfig, FlowGenerator, Kernel, Pattern, Rate, Sizes, Subnets};

use crate::build::Workshop;

/// The records that the programs make, made here: FNV-1a of all their bytes.
fn fingerprint() -> String {
    let subnet = |cidr: &str| cidr.parse().unwrap();
    let sources = [subnet("192.168.0.0/16"), subnet("10.10.0.0/16")];
    let config = FlowConfig {
        seed: 42,
        stream_id: 7,
        max_flows: Some(10_000),
        rate: Rate::Bandwidth(BitRate(40_000_000_000)),
        start: Timestamp::from_nanos(1_704_067_200_000_000_000),
        reversed_share: 0.5,
        patterns: vec![(Pattern::Web, 60.0), (Pattern::Dns, 40.0)],
        sources: Subnets { weights: vec![70.0, 30.0], ..Subnets::even(sources) },
        destinations: Subnets::even([subnet("10.100.0.0/16")]),
        sizes: Sizes { min: 64, max: 1500, average: None },
        ..FlowConfig::default()
    };
    let mut made = FlowGenerator::with_kernel(config.plan().unwrap(), Kernel::SCALAR);
    let mut records = vec![FlowRecord::default(); 10_000];
    assert_eq!(made.fill(&mut records), 10_000);
    let bytes: &[u8] = bytemuck::cast_slice(&records);
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{sum:016x}\n")
}

#[test]
fn c_makes_the_same_records() {
    for compiler in ["gcc", "clang"] {
        let shop = Workshop::new();
        let program = shop.compile(compiler, "tests/programs/c_api.c", &["-std=c11"]);
        assert_eq!(shop.run::<&str>(&program, &[]), fingerprint(), "{compiler}");
    }
}

#[test]
fn cpp_makes_the_same_records() {
    let variants: [&[&str]; 3] =
        [&["-std=c++17"], &["-std=c++20"], &["-std=c++17", "-fno-exceptions"]];
    for compiler in ["g++", "clang++"] {
        for options in variants {
            let shop = Workshop::new();
            let program = shop.compile(compiler, "tests/programs/cpp_api.cpp", options);
            assert_eq!(shop.run::<&str>(&program, &[]), fingerprint(), "{compiler} {options:?}");
        }
    }
}

#[test]
fn the_header_alone_compiles_as_c_and_cpp() {
    let shop = Workshop::new();
    for (compiler, language, standard) in
        [("gcc", "c", "-std=c99"), ("g++", "c++", "-std=c++11"), ("clang++", "c++", "-std=c++23")]
    {
        let mut command = crate::build::tool(compiler);
        let header = format!("{}/include/rheos.h", crate::build::HERE);
        command.args(["-Wall", "-Wextra", "-Werror", "-fsyntax-only", standard, "-x", language]);
        // clang 14 has C++23 under its first name.
        if compiler == "clang++" {
            command.arg("-std=c++2b");
        }
        crate::build::succeed(command.current_dir(shop.path()).arg(header));
    }
}

#[test]
fn an_older_program_runs_after_one_include_has_changed() {
    for compiler in ["g++", "clang++"] {
        let shop = Workshop::new();
        let program = shop.compile(compiler, "tests/programs/older_program.cpp", &["-std=c++17"]);
        let told = shop.run::<&str>(&program, &[]);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[0], "timestamp,src_ip,dst_ip,src_port,dst_port,protocol,length");
        assert!(lines[1].starts_with("1704067200000000000,"), "{told}");
        assert_eq!(lines[3], "1704067200000000000,192.168.1.1,10.0.0.1,50000,443,6,800");
    }
}

#[test]
fn sanitizers_find_nothing() {
    for (compiler, sanitizer) in
        [("g++", "address,undefined"), ("g++", "thread"), ("clang++", "address,undefined")]
    {
        let shop = Workshop::new();
        let options =
            ["-std=c++17", &format!("-fsanitize={sanitizer}"), "-fno-sanitize-recover=all"];
        let program = shop.compile(compiler, "tests/programs/cpp_api.cpp", &options);
        assert_eq!(shop.run::<&str>(&program, &[]), fingerprint(), "{compiler} {sanitizer}");
    }
}

#[test]
fn the_older_examples_take_all_their_options() {
    let shop = Workshop::new();
    let program = shop.compile("g++", "examples/basic_usage.cpp", &["-std=c++17"]);
    let patterns = "dns_traffic:100";
    let words =
        ["-f", "5000", "-b", "40", "-o", "x.csv", "--bidirectional", "1", "--patterns", patterns];
    let told = shop.run(&program, &words);
    for line in ["Generation complete!", "Total flows:     5000", "Output written to: x.csv"] {
        assert!(told.contains(line), "{told}");
    }
    let rows = std::fs::read_to_string(shop.path().join("x.csv")).unwrap();
    assert_eq!(rows.lines().count(), 5001);
    // Every flow is turned round: the name server's port is the source's.
    assert!(rows.lines().skip(1).all(|row| row.split(',').nth(3) == Some("53")));
    // The same seed gives the same file, another one another.
    shop.run(
        &program,
        &["--flows=5000", "-b", "40", "-o", "y.csv", "--bidirectional=1", "--patterns", patterns],
    );
    assert_eq!(rows, std::fs::read_to_string(shop.path().join("y.csv")).unwrap());
    shop.run(&program, &["-f", "5000", "-o", "z.csv", "--seed", "2"]);
    assert_ne!(rows, std::fs::read_to_string(shop.path().join("z.csv")).unwrap());

    for (words, told) in [
        (&["--flws", "3"][..], "there is no option `--flws`"),
        (&["-f", "many"][..], "`many` of `--flows` is not a whole number"),
        (&["--patterns", "web_trafic:100"][..], "did you mean `web_traffic`"),
        (&["--src-weights", "1,2,3"][..], "has 3 weights for 2 source subnets"),
        (&["-o", "no/such/folder.csv"][..], "cannot write `no/such/folder.csv`"),
    ] {
        let out = shop.command(&program).args(words).output().unwrap();
        assert_eq!(out.status.code(), Some(2), "{words:?}");
        let error = String::from_utf8_lossy(&out.stderr);
        assert!(error.starts_with("error: ") && error.contains(told), "{error}");
    }
}

#[test]
fn many_generators_write_the_same_in_parallel_and_in_turn() {
    let shop = Workshop::new();
    let program = shop.compile("g++", "examples/multi_generator.cpp", &["-std=c++17"]);
    let common = ["-g", "0..2,5", "--total-flows", "10000", "-b", "1000"];
    shop.run(&program, &[&common[..], &["-o", "parallel"]].concat());
    shop.run(&program, &[&common[..], &["-o", "sequential", "--sequential"]].concat());
    for id in [0, 1, 2, 5] {
        for number in 0..3 {
            let name = format!("generator_{id}/flows_{number:04}.csv");
            let read = |folder: &str| std::fs::read(shop.path().join(folder).join(&name)).unwrap();
            assert_eq!(read("parallel"), read("sequential"), "{name}");
        }
        let fourth = format!("parallel/generator_{id}/flows_0003.csv");
        assert!(!shop.path().join(fourth).exists(), "2500 flows each, in files of 1000");
    }
    // Each begins its id's milliseconds later.
    let fifth = std::fs::read_to_string(shop.path().join("parallel/generator_5/flows_0000.csv"));
    assert!(fifth.unwrap().lines().nth(1).unwrap().starts_with("1704067200005000000,"));
    let out = shop.command(&program).args(["-g", "0"]).output().unwrap();
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("exactly one limit"));
}

#[test]
fn the_measuring_example_measures() {
    let shop = Workshop::new();
    let program = shop.compile("clang++", "examples/measure.cpp", &["-std=c++17"]);
    let told = shop.run(&program, &["10000"]);
    assert_eq!(told.matches(" M records/s\n").count(), 5, "{told}");
}
