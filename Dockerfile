# One container per ministry. The image holds the program and its prompts, nothing else; the model, the session and the
# conversations live in the /data volume.
#
#   docker build -t compagnon .
#   docker run --read-only --tmpfs /tmp --stop-timeout 25 -v compagnon-data:/data -v ./config.yaml:/etc/compagnon/config.yaml:ro compagnon

FROM rust:1.95-bookworm AS build
WORKDIR /build
# The dependencies first, with an empty program: this layer is rebuilt only when they change.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src benches tests/it tests/cli tests/index tests/page tests/demo \
 && echo 'fn main() {}' | tee src/main.rs benches/kernels.rs benches/encoders.rs benches/pseudonym.rs benches/retrieval.rs benches/store.rs benches/structured.rs benches/translation.rs benches/usage.rs tests/demo/main.rs tests/it/main.rs tests/cli/main.rs tests/index/main.rs tests/page/main.rs tests/architecture.rs tests/bounds.rs > /dev/null \
 && touch src/lib.rs \
 && cargo build --release --locked --bin compagnon \
 && rm -rf src tests benches
COPY src src
COPY prompts prompts
COPY docs/guide.md docs/conseils.md docs/
COPY tests/witness/witness.gguf tests/witness/witness.gguf
# The manifest names the test and bench targets, so their files must exist; they are not built.
RUN mkdir -p benches tests/it tests/cli tests/index tests/page tests/demo \
 && touch benches/kernels.rs benches/encoders.rs benches/pseudonym.rs benches/retrieval.rs benches/store.rs benches/structured.rs benches/translation.rs benches/usage.rs tests/it/main.rs tests/cli/main.rs tests/index/main.rs tests/page/main.rs tests/demo/main.rs tests/architecture.rs tests/bounds.rs src/lib.rs src/main.rs \
 && cargo build --release --locked --bin compagnon

# What is in the program, by name, version, licence and checksum: a scanner reads it in the image.
RUN cargo install cargo-cyclonedx --version 0.5.9 --locked \
 && cargo cyclonedx --format json --spec-version 1.5 --target "$(rustc -vV | sed -n 's/^host: //p')" --override-filename sbom

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin compagnon \
 && install --directory --owner=compagnon --group=compagnon --mode=0700 /data
COPY --from=build /build/target/release/compagnon /usr/local/bin/compagnon
COPY --from=build /build/sbom.json /usr/share/doc/compagnon/sbom.json
COPY prompts /etc/compagnon/prompts
USER 10001
WORKDIR /data
VOLUME /data
ENV COMPAGNON__DATA=/data COMPAGNON__HTTP__LISTEN=127.0.0.1:8080
HEALTHCHECK --interval=30s --timeout=6s --start-period=60s \
    CMD ["compagnon", "--config", "/etc/compagnon/config.yaml", "health"]
# SIGTERM: answers being written are finished and the process has ended within 20 s; the rest is taken up at the next start.
STOPSIGNAL SIGTERM
ENTRYPOINT ["compagnon", "--config", "/etc/compagnon/config.yaml"]
CMD ["run"]
