# Two commands are enough: `make book` to read, `make test` to check everything the book says.
# Every target sets up .venv first (tools/bootstrap.py), which takes no time when nothing changed.
# Without make, as on Windows: python tools/bootstrap.py, then .venv\Scripts\python tools\build.py or tools\check.py.

PYTHON ?= $(shell command -v python3 || command -v python)
ifeq ($(OS),Windows_NT)
VENV := .venv/Scripts
else
VENV := .venv/bin
endif
RUN := $(VENV)/python
PORT ?= 8000
JOBS ?= -1

help:
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:
	@test -n "$(PYTHON)" || { echo "There is no Python here. Install Python 3.11 or newer: https://www.python.org/downloads/"; exit 2; }
	@"$(PYTHON)" tools/bootstrap.py

book: setup ## build the book and say how to open it
	@$(RUN) tools/build.py

test: setup ## run every check (some of them: make test PARTS="lint unit")
	@$(RUN) tools/check.py $(PARTS)

pdf: book ## print the whole book as one PDF (needs Chromium)
	@$(RUN) tools/pdf.py

lab: setup ## open the chapters in JupyterLab
	@$(RUN) -m jupyterlab book

serve: book ## build the book and serve it at http://localhost:8000 (another port: make serve PORT=9000)
	@echo "http://localhost:$(PORT)/ (Ctrl-C ends it)"
	@$(RUN) -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

notebooks: setup ## run the chapters again and rewrite their outputs (some: make notebooks NAMES="lstm gru")
	@$(RUN) -m tools.notebooks $(NAMES)

snapshot: setup ## take the errors that the last make test recorded into book/evidence
	@$(RUN) tools/snapshot.py

experiments: setup ## measure every claim again and rewrite book/evidence on all cores (some: make experiments NAMES="impulse"; JOBS=1: on one)
	@for name in $(or $(NAMES),$$($(RUN) -m companion experiment --list | cut -d' ' -f1)); do $(RUN) -m companion experiment $$name --jobs $(JOBS) || exit 1; done

bench: setup ## measure the speed of the layers on this machine (book/evidence/bench_cpu.json; only PyTorch: NAMES=nn)
	@$(RUN) -m benchmarks $(or $(NAMES),cpu --json book/evidence/bench_cpu.json)

gpu: setup ## run the checks that need an NVIDIA GPU, then measure the layers on it (book/evidence/gpu.json)
	@$(RUN) -m pytest tests/gpu -m gpu -n 4
	@$(RUN) -m benchmarks gpu --json book/evidence/gpu.json

lint: setup ## check and format style, code and notebooks
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

links: setup ## ask every address outside the book whether it still answers (needs the network)
	@$(RUN) tools/build.py --links

clean: ## remove what was built (.venv stays)
	rm -rf _build build dist .pytest_cache .hypothesis .ruff_cache

.PHONY: help setup book test pdf lab serve notebooks snapshot experiments bench gpu lint links clean
.DEFAULT_GOAL := help
