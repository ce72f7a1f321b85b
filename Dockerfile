# muster-server, muster-scheduler and muster in one image; the command says
# which of them runs. Built without BuildKit's own syntax, so that every
# builder takes it.

FROM rust:1.95-bookworm AS build
WORKDIR /src
# Queries are checked against the committed .sqlx/: no database at build time.
# Paths get into messages of panics: none of the builder's, as in scripts/release.
ENV SQLX_OFFLINE=true \
    RUSTFLAGS="--remap-path-prefix=/src=/muster --remap-path-prefix=/usr/local/cargo=/cargo"

# The dependencies make a layer of their own, which lasts until Cargo.lock
# changes: they are built with nothing of muster but its manifest.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src/bin \
    && touch src/lib.rs \
    && for target in build.rs src/bin/muster.rs src/bin/muster-server.rs src/bin/muster-scheduler.rs; do \
        echo 'fn main() {}' >"$target"; \
    done \
    && cargo build --release --locked \
    && cargo clean --release --locked --package muster \
    && rm -r build.rs src

COPY . .
# What `--version` says: --build-arg MUSTER_COMMIT=$(git rev-parse --short=12 HEAD)
ARG MUSTER_COMMIT
RUN cargo build --release --locked --bins

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
# No account by that number is needed; the folder is where the file store puts
# uploads, and a volume that is mounted there takes over its owner.
RUN install -d -o 65532 -g 65532 /var/lib/muster /var/lib/muster/uploads
COPY --from=build \
    /src/target/release/muster \
    /src/target/release/muster-server \
    /src/target/release/muster-scheduler \
    /usr/local/bin/
# Inside a container loopback is of no use; without MUSTER_TOKENS_FILE the
# server refuses these addresses.
ENV MUSTER_GRPC_ADDR=0.0.0.0:50051 \
    MUSTER_HTTP_ADDR=0.0.0.0:8080 \
    MUSTER_OBJECT_STORE=file:///var/lib/muster/uploads
USER 65532:65532
WORKDIR /var/lib/muster
EXPOSE 50051 50052 50053 8080
CMD ["muster-server"]
