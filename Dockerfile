# syntax=docker/dockerfile:1.12.1
# The images of the platform: one file, one image for each process.
#   docker build --build-arg PROCESS=router --tag mosafe/router .
# PROCESS is auth, account, transaction, router, rest, or operator (the commands for operators: `mosafe secrets`, `mosafe backup`, ...).
# `make image-size` computes the size of each image without a container engine.
ARG PROCESS=router

# Version and digest are those of deploy/images.yaml. CI records the base that it built with in the SBOM and in the provenance.
FROM python:3.13.9-slim-bookworm AS base

# Builds the wheel of the platform once: the stage does not depend on PROCESS, so all images use it. The build backend comes from
# the lock, too, and stays in this stage.
FROM base AS wheel
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 UV_NO_CACHE=1 UV_NO_PROGRESS=1
WORKDIR /source
COPY requirements.lock ./
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN grep --max-count=1 '^uv==' requirements.lock | cut -d ' ' -f 1 | xargs pip install --quiet \
 && uv pip install --quiet --system --only-binary :all: --constraints requirements.lock hatchling editables
COPY . .
RUN uv build --quiet --wheel --no-build-isolation --python /usr/local/bin/python --out-dir /wheel .

# Builds an environment with the packages that the process imports, at the versions and hashes of the lock. No package is
# compiled: every one has a wheel. boto3, for backups in an object store, describes 400 services of AWS; those that S3 and its
# credentials need are kept.
FROM base AS packages
ARG PROCESS
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 UV_NO_CACHE=1 UV_NO_PROGRESS=1 UV_LINK_MODE=copy
WORKDIR /source
COPY pyproject.toml requirements.lock ./
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN grep --max-count=1 '^uv==' requirements.lock | cut -d ' ' -f 1 | xargs pip install --quiet \
 && uv venv --quiet /opt/mosafe \
 && extra="$(if [ "$PROCESS" = operator ]; then echo backup; else echo "$PROCESS"; fi)" \
 && uv pip install --quiet --python /opt/mosafe --only-binary :all: --constraints requirements.lock \
      --requirements pyproject.toml --extra "$extra" \
 && find /opt/mosafe/lib -path '*/botocore/data/*' -prune -type d \
      ! -name s3 ! -name sts ! -name sso ! -name sso-oidc -exec rm -r {} +
COPY --from=wheel /wheel /wheel
# The bytecode is compiled here, because the root of the file system is read-only later.
RUN uv pip install --quiet --python /opt/mosafe --no-deps /wheel/*.whl \
 && python -m compileall -q /opt/mosafe/lib

FROM base AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="MoSafe" \
      org.opencontainers.image.description="A federated GraphQL gateway in Python, with the services of a bank" \
      org.opencontainers.image.source="https://github.com/su-shubham/mosafe" \
      org.opencontainers.image.documentation="https://github.com/su-shubham/mosafe/tree/main/docs/deploy" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# pip is not needed to run, and is a way to bring in code.
RUN pip uninstall --yes --quiet pip \
 && groupadd --gid 10001 mosafe \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/mosafe --shell /usr/sbin/nologin mosafe \
 && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/mosafe
COPY --from=packages /opt/mosafe /opt/mosafe
# In a container, the address of the port is the container's own: the network of the engine decides who reaches it.
ENV PATH=/opt/mosafe/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MOSAFE_HOST=0.0.0.0 \
    MOSAFE_DATA_DIR=/var/lib/mosafe
WORKDIR /var/lib/mosafe
USER 10001:10001
STOPSIGNAL SIGTERM
# 4 s is the limit of the probe itself.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s --retries=3 \
  CMD ["python", "-P", "-m", "servicekit.health_probe"]

# Ports and health ports are those of bank/topology.yaml.
FROM runtime AS process-auth
ENV MOSAFE_HEALTH_PORT=3011
EXPOSE 3001
CMD ["mosafe", "auth"]

FROM runtime AS process-account
ENV MOSAFE_HEALTH_PORT=3012
EXPOSE 3002
CMD ["mosafe", "account"]

FROM runtime AS process-transaction
ENV MOSAFE_HEALTH_PORT=3013
EXPOSE 3003
CMD ["mosafe", "transaction"]

FROM runtime AS process-router
ENV MOSAFE_HEALTH_PORT=4010
EXPOSE 4000
COPY router.yaml supergraph.graphql /etc/mosafe/
CMD ["router", "serve", "--config", "/etc/mosafe/router.yaml", "--supergraph", "/etc/mosafe/supergraph.graphql"]

FROM runtime AS process-rest
ENV MOSAFE_HEALTH_PORT=8010
EXPOSE 8000
CMD ["mosafe", "rest"]

FROM runtime AS process-operator
HEALTHCHECK NONE
ENTRYPOINT ["mosafe"]
CMD ["--help"]

# checkov:skip=CKV_DOCKER_7: the last stage is made from one of the stages above, whose base is pinned
# hadolint ignore=DL3006 # not an image of a registry, but one of the stages above
FROM process-${PROCESS} AS image
