# The commands that always hold. Each is a short script that can be read and run alone.

# Outside the clone, so that a second clone (or CI) builds fast.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/usher/target

.PHONY: help run test test-ansible test-reproducible check build bench-agent bench-scrape bench-placement dist packages image clean

help: ## Say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

run: ## Start agent and aggregator on this machine and print the URLs
	@packaging/local/run.sh

test: ## Install what the tests need and run every check and test
	@tests/tools/test.sh

test-ansible: ## The Ansible roles against booted machines (minutes; not in `make test`)
	@tests/tools/install.sh
	cargo build --locked -p usher-agent -p usher-aggregator
	@bash -c '. tests/tools/docker.sh; docker_start; trap docker_stop EXIT; tests/tools/ansible.sh'

test-reproducible: ## The packages built twice, in two places, compared byte by byte (ARGS=--quick: without optimisation)
	@tests/tools/reproducible.sh $(ARGS)

check: ## The checks that need nothing installed: format, lints, unit tests
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo test --workspace --lib --bins --locked

dist: ## The programs as they are packaged: small, minutes to build
	@packaging/dist.sh

build: ## Release binaries
	cargo build --release --locked -p usher-agent -p usher-aggregator

packages: ## Debian packages, a tarball, SBOMs and checksums (profile dist; wants cargo-deb)
	@packaging/deb/build.sh

image: ## The aggregator's container image: a static program and nothing else
	@packaging/image/build.sh

bench-scrape: ## 200 agents read each second for a minute: figures, and failure if a read was missed
	cargo run --release --locked -p usher-tests --bin bench-scrape

bench-placement: ## The real aggregator against the old design and the oracle on one trace (under ten minutes)
	cargo build --release --locked -p usher-aggregator
	cargo build --release --locked -p usher-tests --bin bench-placement
	$(CARGO_TARGET_DIR)/release/bench-placement $(BENCH)

bench-agent: ## Compare the agent's cost with node_exporter's (three minutes)
	cargo build --locked -p usher-tests --bins
	$(CARGO_TARGET_DIR)/debug/agent-cost --programs "$$(packaging/dist.sh agent)"

clean: ## Remove what was built
	cargo clean
