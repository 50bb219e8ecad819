# The commands of the README. Each is a line or two; the work is in CMakePresets.json and tools/.

TARGET ?=
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60

# Configures a preset once, then builds it: $(call build,release). Stdout is for what is run.
build = @{ test -f build/$(1)/build.ninja || cmake --preset $(1) >/dev/null; } && cmake --build --preset $(1) >&2

.DEFAULT_GOAL := help
.PHONY: help build run test test-long asan tsan cross bench fuzz format lint install clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1 \t/p' Makefile | expand -t 18

build: ## build the program: build/release/adit
	@tools/setup run
	$(call build,release)

run: build ## publish a small page on 127.0.0.1:8080, or your own service: make run TARGET=3000
	@exec build/release/adit try $(TARGET) --data ./adit-data

test: ## run all tests (some minutes)
	@tools/setup test
	@tools/test

test-long: ## run all tests in their long forms, also with the sanitized program
	@tools/setup test
	@tools/test --long

asan: ## run all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/setup test
	@tools/test --preset asan

tsan: ## run all tests under ThreadSanitizer
	@tools/setup test
	@tools/test --preset tsan

cross: ## build for arm64, armhf and i386, and run the unit tests in qemu-user
	@tools/setup cross
	@tools/test --cross

bench: build ## compare with direct, haproxy and ssh -R
	@tools/setup bench
	@bench/run

fuzz: ## fuzz every target for FUZZ_SECONDS (60), starting from its corpus
	@tools/setup dev
	$(call build,fuzz)
	@tools/fuzz $(FUZZ_SECONDS)

format: ## put all C files into the house format
	@tools/setup dev
	@git ls-files '*.c' '*.h' | xargs clang-format -i

lint: ## check floors and what clang-tidy finds
	@tools/setup dev
	$(call build,clang)
	@tools/lint

install: build ## install to PREFIX (/usr/local)
	cmake --install build/release --prefix $(PREFIX)

clean: ## remove what was built
	rm -rf build
