# `make` lists the targets. Needs GNU make, R and a C compiler; the rest is installed.
R       ?= R
RSCRIPT ?= Rscript
CRANLIB ?= build/cranlib
LANG    ?= C.UTF-8
export CRANLIB LANG

PACKAGE := $(shell sed -n 's/^Package: *//p' DESCRIPTION)
VERSION := $(shell sed -n 's/^Version: *//p' DESCRIPTION)
TARBALL := build/$(PACKAGE)_$(VERSION).tar.gz
SOURCES := DESCRIPTION NAMESPACE LICENSE NEWS.md README.md .Rbuildignore \
  $(shell find R data inst man src tests vignettes -type f ! -name '*.o' ! -name '*.so')

CHECK      := NOT_CRAN=true $(RSCRIPT) .ci/check.R $(TARBALL)
IN_CRANLIB := R_LIBS="$(abspath build/cran):$(abspath $(CRANLIB))" R_LIBS_SITE=none R_LIBS_USER=none

SIZE    ?= 1e7
POINTS  ?= 6
PEERS   := survival data.table collapse FastSurvival lrstat prodlim coin

.PHONY: help deps document build install study bench figures test test-cran test-alone clean \
  lint coverage sanitize memory interrupts paths \
  core core-long core-coverage fuzz valgrind mutate
.NOTPARALLEL:

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.* ## /\1|/p' Makefile | awk -F'|' '{printf "make %-13s %s\n", $$1, $$2}'

study: ## build, install, show where the study is and its headline
	$(RSCRIPT) .ci/deps.R study
	$(MAKE) install
	$(RSCRIPT) .ci/study.R

test: ## R CMD check --as-cran with all tests; fails on any note not expected
	$(RSCRIPT) .ci/deps.R test
	$(MAKE) build
	$(CHECK) build/check

test-alone: build ## the same with no suggested package but testthat
	_R_CHECK_DEPENDS_ONLY_=true $(CHECK) build/alone --ignore-vignettes

test-cran: build ## the tests with current packages of CRAN, in a library of their own
	$(RSCRIPT) .ci/cranlib.R
	mkdir -p build/cran
	$(IN_CRANLIB) $(R) CMD INSTALL --library=build/cran $(TARBALL)
	$(IN_CRANLIB) NOT_CRAN=true $(RSCRIPT) .ci/tests.R cran

lint: ## compilers' warnings, analyzers and linters of C and R, the house rules
	$(RSCRIPT) .ci/deps.R lint
	$(RSCRIPT) .ci/lint.R

sanitize: build ## all tests and examples with gcc's address, leak and undefined-behaviour sanitizers
	$(RSCRIPT) .ci/sanitize.R $(TARBALL)

memory: build ## gctorture over every routine; each allocation failed in turn; too little address space
	$(RSCRIPT) .ci/memory.R $(TARBALL)

interrupts: build ## how fast Ctrl-C stops each call on up to 1e8 rows (ROWS=, POINTS=6)
	mkdir -p build/interrupts
	$(R) CMD INSTALL --no-docs --library=build/interrupts $(TARBALL)
	R_LIBS=build/interrupts $(RSCRIPT) .ci/interrupts.R --points $(POINTS) $(if $(ROWS),--rows $(ROWS))

paths: build ## the tests with counting and sorting switched off in turn, with 1 and 4 threads
	$(RSCRIPT) .ci/paths.R $(TARBALL)

# The tests of src/core by itself; R only counts them.
NATIVE := $(MAKE) -s -C tests/core BUILD="$(abspath build/core)"

core: ## tests of the C core alone: units, limits, and a twin in higher precision
	$(RSCRIPT) .ci/native.R core

core-long: ## the C core on more than 2^31 rows
	$(RSCRIPT) .ci/native.R long

coverage: ## lines of R that the tests reach
	$(RSCRIPT) .ci/deps.R coverage
	$(RSCRIPT) .ci/coverage.R

core-coverage: ## lines and branches of the C core that its tests reach
	$(NATIVE) coverage

fuzz: ## fuzz the C core under sanitizers (FUZZ_SECONDS=60)
	$(RSCRIPT) .ci/deps.R native
	$(RSCRIPT) .ci/native.R fuzz

valgrind: ## the unit tests of the C core under valgrind
	$(RSCRIPT) .ci/deps.R native
	$(NATIVE) valgrind

mutate: ## change each comparison of mh.c and survival.c: do the tests notice?
	$(NATIVE) mutate

deps: ## install what building and testing need
	$(RSCRIPT) .ci/deps.R test

document: ## write NAMESPACE and man/ from the comments in R/
	$(RSCRIPT) .ci/deps.R document
	$(RSCRIPT) -e 'roxygen2::roxygenise()'

build: $(TARBALL) ## the source tarball with its vignettes, in build/

# R copies the whole directory before it drops what .Rbuildignore names: give it a small one.
$(TARBALL): $(SOURCES)
	rm -rf build/$(PACKAGE) && mkdir -p build/$(PACKAGE)
	tar -c --exclude=./build --exclude=./.git --exclude='*.o' --exclude='*.so' . | \
	  tar -x -C build/$(PACKAGE)
	cd build && $(R) CMD build $(PACKAGE)

install: build ## install that tarball
	$(R) CMD INSTALL $(TARBALL)

bench: build ## time the package and its peers, write bench/results.md (SIZE=1e7)
	CRANLIB=build/benchlib $(RSCRIPT) .ci/cranlib.R $(PEERS)
	mkdir -p build/bench
	$(R) CMD INSTALL --library=build/bench $(TARBALL)
	R_LIBS="$(abspath build/bench)" $(RSCRIPT) bench/bench.R --size 1e6 --rows survival:: \
	  --keep build/bench/system.rds
	R_LIBS="$(abspath build/bench):$(abspath build/benchlib)" $(RSCRIPT) bench/bench.R \
	  --size $(SIZE) --after build/bench/system.rds --out bench/results.md

figures: install ## draw the picture in README.md
	$(RSCRIPT) .ci/figures.R

clean: ## empty build/, but for the libraries of current packages
	mkdir -p build && find build -mindepth 1 -maxdepth 1 ! -name '*lib' -exec rm -rf {} +
