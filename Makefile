# Everything goes through one virtual environment that the lock file describes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
# The packages that image builds install.
LOCKS := model/requirements.txt $(wildcard s2i/*/*.txt)
# Tokens and keys of known forms, also URLs with a password; ruff finds passwords in code. example.com is in examples.
KNOWN_FORMS := --exclude-lines 'example\.com' --disable-plugin KeywordDetector \
  --disable-plugin HexHighEntropyString --disable-plugin Base64HighEntropyString
export UV_CACHE_DIR ?= $(CURDIR)/.cache/uv
# Some machines forbid Python to write bytecode at run time.
export UV_COMPILE_BYTECODE ?= 1
export PYTHONDONTWRITEBYTECODE =
# Foreign modules must not come before the packages of the lock.
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help setup lab test test-cluster lint audit format soak bench notebooks types dashboards parity translations merge-request down reset

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

lab: setup ## set up, start the lab and take the flights model from data to production
	@$(BIN)/workshop lab

test: $(VENV)/.tested ## every test, also the main job and the guide end to end; ARGS="-m browser" chooses some
	@$(BIN)/pytest -n 4 --dist loadgroup --no-loadscope-reorder -rs $(ARGS)

test-cluster: $(VENV)/.tested ## KUBECONFIG=...: what only a cluster's API server can say; it makes and removes three participants
	@test -f "$(KUBECONFIG)" || { echo "error: name the cluster: make test-cluster KUBECONFIG=FILE" >&2; exit 2; }
	@WORKSHOP_TEST_CLUSTER="$(abspath $(KUBECONFIG))" WORKSHOP_TEST_ENDPOINTS="$(ENDPOINTS)" $(BIN)/pytest tests/cluster -rs

lint: setup ## ruff, mypy, import-linter, yamllint, shellcheck, detect-secrets, workshop lint, the tables of components
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && PYTHONPATH=model $(BIN)/lint-imports --no-cache \
	  && $(BIN)/yamllint --strict . && $(BIN)/shellcheck s2i/bin/* notebooks/openshift/images/notebook/start-notebook seldon/client/server/start.sh tekton/overlays/cohort/services/server/start.sh workshop/installation/objects/git/server/start.sh .ci/fresh .ci/run \
	  && $(BIN)/workshop lint --strict tekton seldon && $(BIN)/workshop component docs --check tekton \
	  && $(BIN)/python -m workshop.languages.extract --check && $(BIN)/python -m workshop.guide.translations \
	  && git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook $(KNOWN_FORMS)

audit: setup ## compare the locked packages with the advisories of osv.dev
	@$(BIN)/uv audit --frozen

format: setup ## write the code in the house's format
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

bench: $(VENV)/.tested ## measure the figures of tests/bench/README.md on an idle machine; ARGS="--only api" chooses a part
	@$(BIN)/python -m tests.bench $(ARGS)

soak: $(VENV)/.tested ## a lab under load meets faults: kills, full disk, hostile input; ARGS="--only kill" chooses some
	@$(BIN)/python -m tests.soak $(ARGS)

notebooks: setup ## make the notebooks from their source
	@$(BIN)/python notebooks/build.py

types: setup ## make the types of Kubernetes from its published definitions
	@$(BIN)/python -m workshop.manifests.generate && $(BIN)/ruff format --quiet workshop/manifests/kubernetes.py

dashboards: setup ## make the dashboards' JSON from their code
	@$(BIN)/python -m grafana.render

parity: setup ## make the pages of what the lab, the model server and the linter do from the code and its tests
	@$(BIN)/python -m tests.parity && $(BIN)/python -m tests.s2i.parity && $(BIN)/python -m tests.lintrules

translations: setup ## collect the pages' texts for the catalogs, and copy changed blocks into translated modules
	@$(BIN)/python -m workshop.languages.extract && $(BIN)/python -m workshop.guide.translations --sync

# What CI of a participant's repository runs: .github/, .gitlab-ci.yml and .tekton/. A branch's name is not for a shell.
merge-request: setup ## check the use cases that differ from TARGET (origin/main): tests, model, gate; CI comments with it
	@TARGET="$${TARGET:-origin/main}"; $(BIN)/python -m delivery merge-request --target "$$TARGET"

down: ## stop the lab and keep its state
	@$(BIN)/workshop down

reset: ## stop the lab and delete its state
	@$(BIN)/workshop reset

setup: $(VENV)/.made ## make the environment (also done by the others)

# The tests start OpenShift's hub as well.
$(VENV)/.tested: $(VENV)/.made
	@$(BIN)/uv sync --quiet --frozen --group hub
	@$(BIN)/python -m workshop.programs nginx || echo "     the tests of nginx will be skipped"
	@touch $@

# uv comes first by pip, then makes everything else from the lock.
$(VENV)/.made: uv.lock pyproject.toml tekton/from-dvc/pyproject.toml tekton/toolbox/pyproject.toml $(wildcard workshop/programs/*.py) $(LOCKS)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "error: $(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 3; }
	@$(BIN)/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "error: $$($(BIN)/python -V) is not 3.11 to 3.13; rm -rf $(VENV), then make PYTHON=python3.12 lab" >&2; exit 3; }
	@test -x $(BIN)/uv || { echo "---> installing uv"; $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
	@echo "---> installing the packages of uv.lock and compiling them: one to three minutes the first time"
	@$(BIN)/uv sync --quiet --frozen
	@echo "---> fetching Prometheus, Alertmanager and curl, unless they are there"
	@$(BIN)/python -m workshop.programs
	@echo "---> fetching what image builds need"
	@$(BIN)/python -m workshop.lab.images.warm
	@touch $@
