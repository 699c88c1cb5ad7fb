# Every target works on a fresh clone with Python 3.11 or later, make and the package registries. What is installed is
# remembered by the content of the lock files, so that the second time needs no network.
#
#   .venv         the project, its local cloud, tests and checks
#   .venv-3.x     the same on another interpreter (make test-all)
#   .venv-bench   the peers of make bench      .venv-sam   the SAM CLI      .venv-scan   checkov
#   PYTHON=...    the interpreter for all of them

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

PORT ?= 3000
ARGS ?=
PYTEST ?= -n auto --dist loadfile
TORTURE ?= 5000,500

# Interpreters by name and those that pyenv keeps. A name on PATH may be a shim that only fails: each one is tried.
# ensurepip: a Python without it (Debian without python3-venv) cannot make a virtual environment.
SUPPORTED := 3.13 3.12 3.11 3.14
WORKS := import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
candidates = python$(1) $(wildcard $(HOME)/.pyenv/versions/$(1).*/bin/python3)
find = $(shell for p in $(1); do "$$p" -c '$(WORKS)' >/dev/null 2>&1 && { command -v "$$p"; break; }; done)
PYTHON ?= $(call find,$(foreach v,$(SUPPORTED),$(call candidates,$(v))) python3 python)

digest = $(shell cat $(1) | cksum | cut -d ' ' -f 1)
DEV := .installed-$(call digest,requirements/dev.txt pyproject.toml)
BENCH := .installed-$(call digest,requirements/bench.txt pyproject.toml)
SAM := .venv-sam/.installed-$(call digest,requirements/sam.txt)
SCAN := .venv-scan/.installed-$(call digest,requirements/scan.txt)

# $(1) the folder, $(2) the interpreter: a virtual environment, unless a working one is there.
define venv
test -n "$(2)" || { echo "No Python 3.11 to 3.14 with venv found. Install one, or say where it is: make PYTHON=/path/to/python3" >&2; exit 1; }; \
"$(2)" -c '$(WORKS)' || { echo "$(2) is no Python 3.11 to 3.14 with venv; give another with PYTHON=/path/to/python3" >&2; exit 1; }; \
"$(1)/bin/python" -c '$(WORKS)' 2>/dev/null || { echo "$(1): $$("$(2)" --version)"; rm -rf "$(1)"; "$(2)" -m venv "$(1)"; }
endef

.PHONY: help
help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: install
install: .venv/$(DEV) ## install everything for development into .venv

.PHONY: dev
dev: .venv/$(DEV) ## run the whole system on http://127.0.0.1:$(PORT) (PORT=3000), without Docker or AWS
	@exec .venv/bin/lanner dev --port $(PORT) --seed events/seed.json $(ARGS)

.PHONY: test
test: .venv/$(DEV) ## run the tests (ARGS="-k name" for some, PYTEST= for one process)
	@.venv/bin/python -m pytest $(PYTEST) $(ARGS)

.PHONY: torture
torture: .venv/$(DEV) ## 5,000 jobs while workers are killed 500 times (TORTURE=jobs,kills)
	@LANNER_TORTURE=$(TORTURE) .venv/bin/python -m pytest tests/jobs/test_kill.py -s -p no:cacheprovider $(ARGS)

.PHONY: test-all
test-all: ## run the tests on every supported Python on this machine
	@found=; for v in $(sort $(SUPPORTED)); do \
		if $(MAKE) --quiet has-$$v 2>/dev/null; then found="$$found $$v"; fi; \
	done; \
	test -n "$$found" || { echo "No Python 3.11 to 3.14 found" >&2; exit 1; }; \
	echo "Pythons found:$$found"; \
	for v in $$found; do echo "== Python $$v"; $(MAKE) test-$$v || exit 1; done

.PHONY: has-%
has-%:
	@test -n "$(call find,$(call candidates,$*))"

.PHONY: test-3.%
test-3.%:
	@$(MAKE) .venv-3.$*/$(DEV) PYTHON="$(call find,$(call candidates,3.$*))"
	@.venv-3.$*/bin/python -m pytest $(PYTEST) $(ARGS)

.PHONY: check
check: .venv/$(DEV) ## style, strict types, import rules, layout, template
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy shared/lanner shared/domain functions bench tests
	.venv/bin/python -m pytest tests/architecture
	.venv/bin/cfn-lint template.yaml
	@if test -e $(SAM); then echo .venv-sam/bin/sam validate --lint; .venv-sam/bin/sam validate --lint; \
		else echo "sam validate --lint: not run, there is no .venv-sam (make sam)"; fi
	@if test -e $(SCAN); then $(MAKE) scan; else echo "checkov: not run, there is no .venv-scan (make scan)"; fi

.PHONY: scanner
scanner: $(SCAN) ## install checkov into .venv-scan

.PHONY: scan
scan: $(SCAN) .venv/$(DEV) ## checkov over the template as written and as SAM expands it
	.venv/bin/python -m pytest tests/deploy/test_scan.py -rs

.PHONY: bench
bench: .venv-bench/$(BENCH) ## measure against the peers and print the ratios
	@exec .venv-bench/bin/python -m bench $(ARGS)

.PHONY: sam
sam: $(SAM) ## install the SAM CLI into .venv-sam

.PHONY: build
build: $(SAM) .venv/$(DEV) ## sam build: the artifacts in .aws-sam/build, their sizes printed
	@PYTHON="$(CURDIR)/.venv/bin/python" .venv-sam/bin/sam build $(ARGS)

.PHONY: openapi
openapi: .venv/$(DEV) ## write functions/docs/openapi/*.json from the routes
	.venv/bin/lanner openapi

.PHONY: lock
lock: .venv-lock/.installed ## compile requirements/*.in again (UPGRADE=--upgrade for newer versions)
	@$(UV_COMPILE) requirements/runtime.in -o shared/requirements.txt
	@$(UV_COMPILE) -c shared/requirements.txt requirements/dev.in -o requirements/dev.txt
	@$(UV_COMPILE) -c shared/requirements.txt -c requirements/dev.txt requirements/bench.in -o requirements/bench.txt
	@$(UV_COMPILE) --no-deps -c requirements/dev.txt requirements/docs.in -o functions/docs/requirements.txt
	@$(UV_COMPILE) requirements/sam.in -o requirements/sam.txt
	@$(UV_COMPILE) requirements/scan.in -o requirements/scan.txt

# --universal: one lock for every supported Python and platform. No URL of an index goes into a lock.
UV_COMPILE = .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE)

# The stamps. $(1) the folder, $(2) the lock file, $(3) what else goes in
define install
@$(call venv,$(1),$(PYTHON))
@echo "$(1): installing $(2)"
@rm -f $(1)/.installed*
@"$(1)/bin/python" -m pip install --quiet --require-hashes -r $(2)
$(3)
@touch $@
endef
# The build tools come from the lock too, so nothing is fetched for it.
install_self = @"$(1)/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable .

%/$(DEV):
	$(call install,$*,requirements/dev.txt,$(call install_self,$*))

.venv-bench/$(BENCH):
	$(call install,.venv-bench,requirements/bench.txt,$(call install_self,.venv-bench))

.venv-lock/.installed:
	@$(call venv,.venv-lock,$(PYTHON))
	@.venv-lock/bin/python -m pip install --quiet uv
	@touch $@

$(SAM):
	$(call install,.venv-sam,requirements/sam.txt)

$(SCAN):
	$(call install,.venv-scan,requirements/scan.txt)

.PHONY: clean
clean: ## remove what was built and installed, and the local cloud's data
	rm -rf .venv .venv-* .aws-sam .lanner .hypothesis .mypy_cache .pytest_cache .ruff_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
