//! Compiles `hello.rs`, beside this file, into the program of the image that the engine carries, and chooses how the
//! engine itself is linked.
//!
//! The program is static and without libc, for the same target and by the same compiler and linker as the engine.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed={}", here().display());
    // The fuzzer builds with it.
    println!("cargo::rustc-check-cfg=cfg(fuzzing)");
    if let Err(message) = compile() {
        println!("cargo::error={message}");
    }
    link_unwinder();
}

/// Has the unwinder, which only the backtrace of a panic needs, linked into the engine where the compiler has it as an
/// archive: loading and relocating its library is a tenth of what a start takes, and a monitor would keep its pages.
fn link_unwinder() {
    let archive = Command::new(linker()).arg("-print-file-name=libgcc_eh.a").output();
    let archive = archive.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    if let Some(directory) = Path::new(&archive).parent().filter(|directory| directory.is_absolute()) {
        println!("cargo::rustc-link-search=native={}", directory.display());
        println!("cargo::rustc-link-lib=static=gcc_eh");
    }
}

/// The directory of this file: what the engine is built for may be a package elsewhere, such as the fuzzer.
fn here() -> PathBuf {
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR").unwrap_or_default());
    package.join(file!()).with_file_name("")
}

fn compile() -> Result<(), String> {
    let source = here().join("hello.rs");
    let program = PathBuf::from(variable("OUT_DIR")?).join("hello");
    let mut rustc = Command::new(variable("RUSTC")?);
    rustc.arg(&source).args(["--crate-name=hello", "--crate-type=bin", "--edition=2024"]);
    rustc.arg("--target").arg(variable("TARGET")?).arg("-o").arg(&program);
    // The same small program in every profile of the engine.
    for option in ["opt-level=s", "lto=fat", "codegen-units=1", "panic=abort", "strip=symbols"] {
        rustc.args(["-C", option]);
    }
    // It has its own `_start`, so nothing of a C library is linked: neither the compiler's choice nor rustc's.
    rustc.args(["-C", "relocation-model=static"]);
    if variable("CARGO_CFG_TARGET_ENV")? == "musl" {
        // Here rustc would bring the start-up files of its own libc.
        rustc.args(["-C", "link-self-contained=no"]);
    }
    for argument in ["-nostartfiles", "-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none"] {
        rustc.arg("-C").arg(format!("link-arg={argument}"));
    }
    rustc.arg("-C").arg(format!("linker={}", linker()));
    let output = rustc.output().map_err(|error| format!("run {rustc:?}: {error}"))?;
    if !output.status.success() {
        // One directive is one line.
        let reason = String::from_utf8_lossy(&output.stderr).replace('\n', " | ");
        return Err(format!("compile {}: {}: {reason}", source.display(), output.status));
    }
    Ok(())
}

fn linker() -> String {
    env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_owned())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("read {name}: cargo sets it"))
}
