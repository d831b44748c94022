#!/usr/bin/env bash
# The unit tests of the kernels (the only `unsafe` code) under tools that see what a test alone does not: reads and writes outside of
# an allocation, use after it is freed, and with Valgrind values that were never written.
#
#   tests/sanitize.sh address    # AddressSanitizer: needs a nightly compiler; sees AVX-512
#   tests/sanitize.sh valgrind   # Valgrind: any compiler; its processor has AVX2 but no AVX-512
#
# What follows is given to the tests, such as a name. The kernels stand on nothing else of the program, so a package of their own is
# made of them in target/sanitize and built in seconds; only the comparison with candle is left out.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=${1:?address or valgrind}
shift
crate=target/sanitize
triple=$(rustc -vV | sed -n 's/^host: //p')

mkdir -p "$crate/src/inference/local"
rm -rf "$crate/src/inference/local/kernels"
cp -r src/inference/local/kernels "$crate/src/inference/local/kernels"
sed -i '/^mod against_candle;/d' "$crate/src/inference/local/kernels/tests.rs"
cat >"$crate/src/lib.rs" <<'LIB'
//! The kernels alone; see `tests/sanitize.sh`.
#![allow(dead_code, unused_imports)]
mod inference {
    mod local {
        mod kernels;
    }
}
LIB
cat >"$crate/Cargo.toml" <<'MANIFEST'
[package]
name = "sanitize"
version = "0.0.0"
edition = "2024"
publish = false
[workspace]
[dependencies]
bytemuck = { version = "1", features = ["derive"] }
[dev-dependencies]
blake3 = "1"
tempfile = "3"
proptest = { version = "1", default-features = false, features = ["std"] }
[profile.dev]
opt-level = 1
debug = "line-tables-only"
MANIFEST

cd "$crate"
case $tool in
  address)
    RUSTFLAGS="-Zsanitizer=address" cargo +nightly test --lib --target "$triple" -- "$@"
    ;;
  valgrind)
    # One test at a time and fewer cases: every instruction is interpreted.
    binary=$(cargo test --lib --no-run --message-format=json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
    PROPTEST_CASES=${PROPTEST_CASES:-8} valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
      "$binary" --test-threads=1 "$@"
    ;;
  *)
    echo "$tool: address or valgrind" >&2
    exit 2
    ;;
esac
