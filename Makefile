# Everything about Parley starts here; `make` alone lists it.
# VENV names the virtual environment, PYTHON the Python that makes it, PYTEST what pytest is told,
# BENCH what a bench is told, GPU which parts `make gpu` runs.
VENV ?= .venv
PY = $(VENV)/bin/python
PYTEST ?=
GPU ?=
# torch's threads spin at their barriers unless told not to, which a shared CPU pays for dearly;
# a moment of it saves being woken hundreds of times a step.
CB = OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=10000 $(VENV)-tts-chatterbox/bin/python
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help run run-gpu dev test test-faults test-chatterbox test-gpu test-images gpu chatterbox check fmt docs \
	locks bench bench-audio bench-asr bench-tts bench-chatterbox bench-conversation \
	bench-sessions clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' Makefile

run: ## install once, then start the three services on this machine's CPU
	@sh deploy/python.sh -m deploy.launch --venv $(VENV)

run-gpu: ## the same with CUDA: needs an NVIDIA GPU and its driver
	@sh deploy/python.sh -m deploy.launch --venv $(VENV) --gpu

dev: ## install what the tests and the checks need
	@sh deploy/python.sh -m deploy.environment $(VENV) dev smart-turn

test: dev ## every test that needs no torch
	@$(PY) -m pytest -n 2 --dist loadfile --ignore tests/chatterbox --ignore tests/gpu --ignore tests/images --ignore tests/faults $(PYTEST)

test-faults: dev ## kill parts of the stack and its clients, and tell what was seen
	@$(PY) -m pytest tests/faults $(PYTEST)

test-chatterbox: chatterbox ## Chatterbox on its real classes, torch on the CPU
	@$(CB) -m pytest --confcutdir tests/chatterbox -o timeout=400 tests/chatterbox $(PYTEST)

test-gpu: chatterbox ## the same on a CUDA device
	@$(CB) -m pytest --confcutdir tests/gpu -o timeout=400 tests/gpu $(PYTEST)

gpu: chatterbox ## all that wants a GPU, the most important first; keeps what it had when cut
	@$(CB) -m tests.gpu $(GPU)

chatterbox:
	@sh deploy/python.sh -m deploy.environment $(VENV)-tts-chatterbox tts-chatterbox \
		tts-chatterbox-test

test-images: dev ## each image's commands, in environments of their own (some minutes)
	@$(PY) -m pytest tests/images $(PYTEST)

check: dev ## lint, types, architecture, locks and generated documents
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports --no-logo
	@$(PY) -m deploy.locks check
	@$(PY) -m deploy.docs --check
	@$(PY) -m deploy.checks

fmt: dev ## format, and mend what the linter can
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

docs: dev ## write the documents that are made from the code
	@$(PY) -m deploy.docs

locks: dev ## compile deploy/requirements again; UPGRADE=1 raises every version
	@$(PY) -m deploy.locks compile $(if $(UPGRADE),--upgrade)

bench: bench-audio bench-asr bench-tts bench-chatterbox bench-conversation bench-sessions ## all of the measurements below

bench-audio: dev ## measure rates, codecs and tempo; writes docs/benchmarks.md
	@$(PY) -m tests.bench.audio $(BENCH)

bench-asr: dev ## measure listening; writes docs/benchmarks.md
	@$(PY) -m tests.bench.asr $(BENCH)

bench-tts: dev ## measure what the TTS service itself costs; writes docs/benchmarks.md
	@$(PY) -m tests.bench.tts $(BENCH)

bench-chatterbox: chatterbox ## measure Chatterbox beside its package; writes docs/benchmarks.md
	@$(CB) -m tests.bench.chatterbox $(BENCH)

bench-conversation: dev ## what a conversation costs by itself, in process and over sockets
	@$(PY) -m tests.bench.conversation $(BENCH)

bench-sessions: dev ## what sessions in Redis cost; writes docs/benchmarks.md
	@$(PY) -m tests.bench.sessions $(BENCH)

clean: ## remove what make, the checks and the tests leave behind
	@rm -rf $(VENV) .venv-* out build *.egg-info .pytest_cache .mypy_cache .ruff_cache \
		.import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
