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
