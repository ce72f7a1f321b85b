# Everything that a developer of muster types. `make help` lists it.
#
# Postgres and the other tools that Rust does not bring are looked for by
# scripts/need, which installs them where it may and says what to type where
# it may not.

.PHONY: help demo dev test drill fuzz bench lint clients-check compose-check \
        kubernetes-check release supply-check sqlx-prepare

# Queries are checked against the committed .sqlx/, not against a database.
export SQLX_OFFLINE = true

CARGO ?= cargo

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 20

demo: ## import examples/users.csv through the real service, and report
	@scripts/need cc postgres
	$(CARGO) build --locked --bins
	$(CARGO) run --locked --quiet --bin muster -- demo

dev: ## run Postgres, server and scheduler here until Ctrl-C; data in .muster
	@scripts/need cc postgres
	$(CARGO) build --locked --bins
	$(CARGO) run --locked --quiet --bin muster -- dev

test: ## run all tests, against a real Postgres that they start themselves; AWS's own clients too
	@scripts/need cc postgres python venv curl
	scripts/run-tests
	$(CARGO) build --locked --bins
	tests/aws/run

bench: ## print every figure with its target; FIGURE=words for some, ROWS=n and ROUNDS=n for another run
	@scripts/need cc postgres
	-@scripts/need pgloader h2load
	$(CARGO) bench --locked --bench figures -- $(FIGURE) $(if $(ROWS),--rows $(ROWS)) $(if $(ROUNDS),--rounds $(ROUNDS))

fuzz: ## look for inputs that break something, by cargo-fuzz: make fuzz TARGET=csv_rows SECONDS=60
	@scripts/need cc c++ postgres
	scripts/fuzz "$(TARGET)" "$(SECONDS)"

drill: ## kill, stall, starve and cut off the real programs, then simulate 10,000 histories; about 35 minutes
	@scripts/need cc postgres
	scripts/drill

lint: ## formatting, clippy, docs, queries, protos, alerts, scripts, sample data
	@scripts/need cc postgres python
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps
	env -u SQLX_OFFLINE scripts/sqlx-prepare --check
	scripts/lint-protos
	scripts/lint-alerts
	scripts/lint-shell
	python3 examples/make_users.py --check

clients-check: ## a job's whole life by other people's gRPC clients: Python's grpcio and buf curl
	@scripts/need cc postgres python venv npm curl
	$(CARGO) build --locked --bins
	tests/clients/run

kubernetes-check: ## deploy/kubernetes/ as kustomize builds it: valid, and fitting the programs
	@scripts/need cc python venv
	$(CARGO) build --locked --bins
	tests/kubernetes/run

supply-check: ## licences, duplicate versions, sources, unused dependencies; advisories where they can be had
	scripts/supply-check

release: ## the programs as they are shipped, in target/release, without paths of the builder
	@scripts/need cc
	scripts/release

compose-check: ## build the image and import once through docker-compose.yml; needs Docker
	scripts/compose-check

sqlx-prepare: ## renew .sqlx/ after a query or a migration has changed
	@scripts/need cc postgres
	env -u SQLX_OFFLINE scripts/sqlx-prepare
