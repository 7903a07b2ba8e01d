SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
BIN := .venv/bin
JS := tests/javascript
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix $(JS) --loglevel error
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock"

IMAGE = $(if $(MODEL),--model $(MODEL)) $(if $(RANDOM_WEIGHTS),--random-weights $(RANDOM_WEIGHTS))
UNIT = $(BIN)/pytest -n auto --dist worksteal tests/unit
SYSTEM = $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0 tests/e2e tests/integration
LABELLED = $(if $(IMAGES),--images "$(IMAGES)") $(if $(INDEX),--index $(INDEX)) $(if $(ATTRIBUTE),--attribute $(ATTRIBUTE)) \
	$(if $(ES_URL),--elasticsearch $(ES_URL))

.DEFAULT_GOAL := help
IMAGE_OF_LAMBDA = public.ecr.aws/lambda/python:3.13

.PHONY: help demo test prepare unit prepared-unit lint smoke pin-base costs sbom bench soak evaluate adapt report backfill-watch sam-local sam-test image-size lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv: layers/locks/uv.txt layers/locks/dev.txt layers/locks/saliency.txt pyproject.toml ## the virtual environment, from the lock files
	@echo "Setting up the virtual environment in .venv (the first time, some 700 MB of packages are downloaded)"
	python3 -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r layers/locks/uv.txt
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --require-hashes -r layers/locks/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python --require-hashes -r layers/locks/saliency.txt
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@touch .venv

$(JS)/node_modules: $(JS)/package-lock.json $(JS)/package.json | .venv
	$(NPM) ci
	@touch $@

build/audit: layers/locks/audit.txt | .venv
	python3 -m venv $@
	VIRTUAL_ENV=$@ $(BIN)/uv pip install --quiet --require-hashes -r $<
	@touch $@

build/serve: layers/locks/serve.txt | .venv
	python3 -m venv $@
	VIRTUAL_ENV=$@ $(BIN)/uv pip install --quiet --require-hashes -r $<
	$@/bin/python -m compileall -q $@
	@touch $@

demo: .venv ## index a catalogue through the bucket and by a backfill, search it, keep serving (IMAGES=folder, ES_URL=url, ONCE=1, MODEL=id, RANDOM_WEIGHTS=seed, PORT=n)
	@$(BIN)/python -m infra.demo

test: .venv ## everything that is proven: lint, types, contracts, template, unit, integration, end to end
	$(MAKE) --no-print-directory -j 2 lint prepared-unit
	$(SYSTEM)

prepare: .venv # what tests start, and the networks that they use, unless they are there
	$(BIN)/python -m tests.e2e.chromium
	$(BIN)/python -m infra.local.elasticsearch.distribution
	$(BIN)/python -m tests.toxiproxy.server
	$(BIN)/python -m layers.models.export efficientnet_lite0 --output build/models
	$(BIN)/python -m layers.models.export efficientnet_lite0-int8 --output build/models
	$(BIN)/python -m layers.models.export efficientnet_lite2 --output build/models
	$(BIN)/python -m layers.models.export inception_resnet_v2 --random-weights 0 --output build/models

unit: .venv ## tests without network, on every core
	$(UNIT)

prepared-unit: prepare
	$(UNIT)

lint: .venv $(JS)/node_modules build/audit ## formatting, lint and types of Python and JavaScript, import contracts, template; the bill of materials can be made
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NPM) run --silent lint
	$(BIN)/cfn-lint template.yaml infra/repository.yaml
	SAM_CLI_TELEMETRY=0 $(BIN)/sam validate --lint --region eu-central-1
	$(BIN)/python -m tests.unit.sam_template > build/transformed.json
	$(BIN)/python -m tests.unit.sam_template everything > build/everything.json
	$(BIN)/cfn-lint build/transformed.json build/everything.json
	build/audit/bin/checkov --config-file .checkov.yaml --file build/transformed.json build/everything.json infra/repository.yaml
	$(MAKE) --no-print-directory sbom HEIC=1 TEXT=1

smoke: .venv ## check a running stack: upload, queue, searches, backfill, links, errors (URL=api KEY=key BUCKET=name STACK=name; SAM_LOCAL=1 for sam local)
	@$(BIN)/python -m tests.smoke $(if $(URL),--url $(URL)) $(if $(KEY),--key $(KEY)) $(if $(BUCKET),--bucket $(BUCKET)) $(if $(STACK),--stack $(STACK)) $(if $(SAM_LOCAL),--sam-local)

pin-base: ## write the digest that the functions' base image has now into parameters.yaml (BaseImage); the registry is asked by docker buildx
	@digest="$$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' $(IMAGE_OF_LAMBDA))"; [[ "$$digest" =~ ^sha256:[0-9a-f]{64}$$ ]]; \
		kept="$$(grep -v '^BaseImage:' parameters.yaml)"; printf '%s\n' "$$kept" "BaseImage: $(IMAGE_OF_LAMBDA)@$$digest" > parameters.yaml; tail -n 1 parameters.yaml

costs: .venv ## what the stack costs, idle and busy, as the table of infra/costs.md
	@$(BIN)/python -m infra.costs

sbom: build/audit ## the bill of materials of what the image adds to its base (CycloneDX, build/sbom.json)
	cat layers/locks/serve.txt $(if $(TEXT),layers/locks/text.txt) $(if $(HEIC),layers/locks/heic.txt) | build/audit/bin/cyclonedx-py requirements - -o build/sbom.json

bench: .venv build/serve ## how near each part comes to its limit, as one table; about an hour (PARTS="start search", README=1 writes tests/benchmarks/README.md)
	$(BIN)/python -m tests.benchmarks $(PARTS) $(if $(README),--readme)

soak: .venv ## adversity: histories in any order, bad pictures, 32 faults on every way in, 32 clients, backfills that fail or are killed (HISTORIES=n, PRODUCTS=n, MOMENTS=n)
	$(BIN)/python -m infra.local.elasticsearch.distribution
	$(BIN)/python -m tests.toxiproxy.server
	$(BIN)/python -m tests.benchmarks.histories --histories $(or $(HISTORIES),500)
	$(BIN)/python -m tests.benchmarks.bad_pictures
	$(BIN)/python -m tests.chaos
	$(BIN)/python -m tests.benchmarks.concurrent_search
	$(BIN)/python -m tests.benchmarks.soak faults --products $(or $(PRODUCTS),80)
	$(BIN)/python -m tests.benchmarks.soak kills --products $(or $(PRODUCTS),200) --moments $(or $(MOMENTS),1)

evaluate: .venv ## measure models by the real search (IMAGES=folder with a sub-folder a class, MODEL=a,b, TYPE=index type, OVERSAMPLE=n; or INDEX=alias ES_URL=url ATTRIBUTE=name, COPY=1; SAMPLE=n, EXPAND=n,m, PRODUCTS=1)
	@$(BIN)/python -m layers.quality.evaluate $(LABELLED) $(if $(MODEL),--models $(MODEL)) $(if $(TYPE),--type $(TYPE)) $(if $(OVERSAMPLE),--oversample $(OVERSAMPLE)) \
		$(if $(SAMPLE),--sample $(SAMPLE)) $(if $(EXPAND),--expand $(EXPAND)) $(if $(COPY),--copy) $(if $(PRODUCTS),--products)

adapt: .venv ## learn from your own classes what makes the hits better (IMAGES or INDEX as for evaluate; MODEL=id, by default the index's; CLASSES=known or new)
	@$(BIN)/python -m layers.quality.adapt $(MODEL) $(LABELLED) $(if $(CLASSES),--classes $(CLASSES))

report: .venv ## which pictures many products share, such as those that stand for "no image" (SIZE=n)
	@$(BIN)/python -m layers.quality.placeholders $(if $(SIZE),--size $(SIZE))

backfill-watch: .venv ## a backfill live in the terminal, until it has finished (ID=backfill; default: the newest)
	@$(BIN)/python -m infra.demo.backfill_watch $(ID)

sam-local: .venv ## the deployed image under sam local, with Elasticsearch and moto in containers (MODEL=id, NEXT_MODEL=id, CATALOGUE=1)
	@$(BIN)/python -m infra.sam.system $(IMAGE) $(if $(NEXT_MODEL),--next-model $(NEXT_MODEL)) $(if $(CATALOGUE),--catalogue)

sam-test: .venv ## end-to-end tests on that; what takes minutes on a bare machine is made first
	@$(BIN)/python -m tests.e2e.sam.prepare --model efficientnet_lite0 --data build/sam-test
	$(BIN)/pytest --system sam tests/e2e/sam $(addprefix tests/e2e/test_,$(addsuffix .py,uploads products search readme smoke))

image-size: .venv ## the image's size, layer by layer (MODEL=id, RANDOM_WEIGHTS=seed, OPTIONS="Heic=1 Text=1 SaliencyModel=u2netp")
	@$(BIN)/python -m tests.benchmarks.image_size $(IMAGE) $(if $(OPTIONS),--options $(OPTIONS))

clean: ## remove what was built here (not the cache of downloads and exported models)
	rm -rf .venv build $(JS)/node_modules .aws-sam .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

lock: .venv ## resolve the dependencies of pyproject.toml and package.json; what is locked stays (UPGRADE=--upgrade: everything anew)
	echo "uv" | $(COMPILE) $(UPGRADE) - -o layers/locks/uv.txt
	printf 'checkov\ncyclonedx-bom\n' | $(COMPILE) $(UPGRADE) - -o layers/locks/audit.txt
	$(COMPILE) $(UPGRADE) --all-extras pyproject.toml -o layers/locks/dev.txt
	$(COMPILE) -c layers/locks/dev.txt --extra export pyproject.toml -o layers/locks/export.txt
	$(COMPILE) -c layers/locks/dev.txt pyproject.toml -o layers/locks/serve.txt
	echo "tokenizers" | $(COMPILE) -c layers/locks/dev.txt --no-deps - -o layers/locks/text.txt
	echo "pillow-heif" | $(COMPILE) -c layers/locks/dev.txt --no-deps - -o layers/locks/heic.txt
	$(NPM) $(if $(UPGRADE),update --save,install) --package-lock-only
	$(BIN)/python -c 'import json, pathlib; path = pathlib.Path("$(JS)/package-lock.json"); lock = json.loads(path.read_text()); \
		[package.pop("funding", None) for package in lock["packages"].values()]; path.write_text(json.dumps(lock, indent=2) + "\n")'
