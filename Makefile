# The commands of a working day. Each installs what the system lacks first (scripts/prerequisites),
# which is silent and immediate when nothing is missing.

CONFIG ?= .
TARGET := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help run check test test-matrix format fuzz bench bench-compare bench-crypto

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

run: ## build and run the gateway on the configuration in CONFIG (default: this directory)
	@scripts/prerequisites build
	cargo run --release --locked --features jemalloc -- run --config $(CONFIG)

check: ## formatting and lints
	@scripts/prerequisites check
	cargo fmt --check
	cargo clippy --locked --all-targets -- --deny warnings

test: check ## formatting, lints and every test, a whole session in a browser included
	@scripts/prerequisites test
	cargo test --locked
	cargo test --locked --test interop -- --ignored
	cargo test --locked --test openid -- --ignored
	node tests/browser/session.mjs $(TARGET)/debug/id-contact-gateway
	node tests/browser/brokering.mjs $(TARGET)/debug/id-contact-gateway
	node tests/browser/openid.mjs $(TARGET)/debug/id-contact-gateway
	node tests/browser/adapters.mjs $(TARGET)/debug/id-contact-gateway

test-matrix: ## conversations in a real Matrix homeserver (Synapse), which is installed below target
	@scripts/prerequisites matrix
	cargo test --locked --test matrix -- --ignored

format: ## rewrite the sources as the formatter wants them
	cargo fmt

fuzz: ## strangers' tokens and values, a minute for each of the six targets (FUZZ_SECONDS)
	@scripts/prerequisites build
	scripts/fuzz

bench: ## micro-benchmarks, then whole processes beside bare Pingora, nginx and HAProxy
	@scripts/prerequisites bench
	cargo bench --locked --features jemalloc
	$(MAKE) --no-print-directory bench-compare

bench-compare: ## whole processes only; BENCH_OPTIONS=--quick for a first impression
	@scripts/prerequisites bench
	cargo build --release --locked --features jemalloc --bin id-contact-gateway --example bare
	python3 benches/compare/run $(BENCH_OPTIONS) --target $(TARGET)/release

bench-crypto: ## tokens beside what OpenSSL needs for the primitives they are made of
	@scripts/prerequisites bench
	benches/crypto
