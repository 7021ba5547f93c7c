# SPDX-License-Identifier: GPL-2.0-or-later
# A thin front for meson: `make help` lists what there is.

BUILD ?= build
MESONFLAGS ?=
DESTDIR ?=
export BUILD

# Every feature: a package that one needs and that is not there is an error. Less: make MESONFLAGS=-Dlibvirt=disabled
all: ## build the program (build/src/cmd/wideberth)
	@tools/need build
	@echo "building in $(BUILD)/"
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) $(MESONFLAGS) >$(BUILD).log 2>&1 || \
		{ cat $(BUILD).log; rm -f $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@ninja -C $(BUILD)

test: all ## every suite: unit, rules, golden, cli, fault, and the lab
	@tools/need test lab deb
	@tests/all

check: all ## the suites that need no lab: two minutes
	@tools/need test
	@tests/all --no-lab

fuzz: ## the parsers under clang's fuzzer, 20 s each; findings in build/fuzz/findings/
	@tools/need build checks
	@tests/fuzz/run

bless: all ## accept what the program prints now as the golden tests' expectation
	@echo "rewriting tests/golden; look at git diff"
	@tests/golden/record $(BUILD)
	@WIDEBERTH_BLESS=1 tests/golden/run $(BUILD)/src/cmd/wideberth >/dev/null

demo: all ## the whole story on an emulated host; writes build/demo/
	@tools/need lab
	@echo "running the demo in an emulated host"
	@tests/lab/demo

bench: all ## what wideberth costs
	@tools/need bench lab
	@echo "running the benchmarks"
	@bench/run

soak: all ## hours: whole inputs that strangers could have made, with sanitizers; all sequences, all promises, all mutants
	@echo "soaking for an hour; findings stay in $(BUILD)/findings"
	@tests/fuzz/soak
	@echo "the planner on a hundred thousand hosts"
	@$(BUILD)/tests/unit/test-place-judge 100000 1
	@echo "a thousand sequences"
	@WIDEBERTH=$(abspath $(BUILD))/tests/fault/wideberth-fault $(BUILD)/tests/fault/fault-sequences 1 1000
	@echo "the whole table of promises"
	@PROMISES=all tests/promises/run $(abspath $(BUILD))/tests/fault/wideberth-fault $(BUILD)/tests/fault/make-root 6.12 7.0
	@echo "what plan says, on a thousand random hosts"
	@tests/promises/random $(abspath $(BUILD))/tests/fault/wideberth-fault $(abspath $(BUILD))/tests/hosts/make-tree 1 1000
	@echo "the lab's other places, and fifty random sequences there"
	@tests/lab/suite --soak
	@tests/lab/soak
	@tests/mutants

mutants: all ## do the tests notice a line of plan or apply made wrong? Half an hour, nicely
	@tests/mutants

deb: ## the Debian package of what is committed, in build/deb/
	@tools/need build deb
	@tools/deb

install: all ## the program, man page and completion; DESTDIR is honoured
	@echo "installing to $(DESTDIR)$$(meson introspect $(BUILD) --buildoptions | sed -n 's/.*"name": "prefix", "value": "\([^"]*\)".*/\1/p')"
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild --quiet

deps: ## the Debian packages for all of this
	@echo "looking for missing packages"
	@tools/need build test lab bench checks

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

.PHONY: all test check fuzz bless demo bench soak mutants deb install deps help
