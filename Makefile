# The two commands of the README, and a few more. Each recipe is one line; what it runs is in .ci/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test check lint dev codegen bless bench

help: ## List what there is
	@sed -nE 's/^([a-z]+): ## (.*)/\1\t\2/p' Makefile | expand -t 10

run: ## Set up what is missing, build, and open the window
	@.ci/open.sh

test: ## Set up what is missing and run every test
	@.ci/stages.sh test

check: ## What CI runs: lint, then test
	@.ci/stages.sh lint test

lint: ## Formatting, clippy, rustdoc, tidy, licences, the UI's lint and types, Terraform, shell
	@.ci/stages.sh lint

dev: ## Open the window and reload it on every change
	@source .ci/env.sh && .ci/setup.sh build && exec ui/node_modules/.bin/tauri dev

codegen: ## Write the typed client of the IPC commands anew
	@source .ci/env.sh && cargo run -q -p xtask -- codegen

bless: ## Accept what the snapshot tests produce now
	@source .ci/env.sh && INSTA_UPDATE=always BLESS=1 cargo nextest run --workspace --no-fail-fast

bench: ## Measure what docs/benchmarks.md states
	@source .ci/env.sh && .ci/setup.sh test && cargo run -q -p xtask -- bench
