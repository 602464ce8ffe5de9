# syntax=docker/dockerfile:1
# One recipe for every service:  docker build --build-arg SERVICE=accounts -t meridian-accounts .
# The image knows four commands: api, worker, all, migrate. It runs without root and on a read-only root file system
# (give it a writable /tmp: uploads are spooled there).

FROM python:3.11-slim-bookworm AS build
ARG UV_VERSION=0.13.9
ENV UV_PYTHON=/usr/local/bin/python UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN pip install --no-cache-dir --quiet --root-user-action=ignore "uv==${UV_VERSION}"
WORKDIR /build
COPY pyproject.toml uv.lock ./
COPY libs libs
RUN python libs/devstack/src/devstack/lockfile.py expand uv.lock
ARG SERVICE
COPY services/${SERVICE} services/${SERVICE}
RUN --mount=type=cache,target=/root/.cache/uv \
    UV_PROJECT_ENVIRONMENT=/app/.venv uv sync --frozen --no-dev --no-editable --package "crm-${SERVICE}"

FROM python:3.11-slim-bookworm
ARG SERVICE
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin meridian
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    SERVICE=${SERVICE} MERIDIAN_HOST=0.0.0.0 MERIDIAN_PORT=8000 MERIDIAN_LOG=json
LABEL org.opencontainers.image.title="meridian-${SERVICE}" org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
USER 10001:10001
EXPOSE 8000
# exec: the service is process 1 and gets SIGTERM itself
ENTRYPOINT ["/bin/sh", "-c", "exec python -m \"$SERVICE\" \"$@\"", "meridian"]
CMD ["api"]
