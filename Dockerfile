# syntax=docker/dockerfile:1
# Two stages: one that installs from the hashed locks, one that runs. No key, password or address of an index is in either.

FROM python:3.11-slim-bookworm AS builder
WORKDIR /build
COPY requirements/ requirements/
RUN python3 -m pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
        --require-hashes --target /uv -r requirements/bootstrap.lock
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_NO_CACHE=1
# The dependencies change seldom and make a layer of their own.
RUN /uv/bin/uv venv --python python3 /app \
    && /uv/bin/uv pip install --python /app/bin/python --require-hashes -r requirements/run.lock
COPY pyproject.toml README.md LICENSE ./
COPY ecert/ ecert/
COPY keys/ keys/
# hatchling builds the wheel in an environment of its own, which does not go into the image.
RUN /uv/bin/uv venv --python python3 /hatch \
    && /uv/bin/uv pip install --python /hatch/bin/python --require-hashes -r requirements/build.lock \
    && /hatch/bin/hatchling build -t wheel -d /build/dist \
    && /uv/bin/uv pip install --python /app/bin/python --no-deps /build/dist/*.whl

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --user-group --home-dir /var/lib/ecert --create-home --shell /usr/sbin/nologin ecert
COPY --from=builder /app /app
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ECERT_HOME=/var/lib/ecert \
    ECERT_HOST=0.0.0.0
USER ecert
WORKDIR /var/lib/ecert
# The database, the keys made on first run and the embedded server's socket.
VOLUME /var/lib/ecert
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2).read()"]
CMD ["ecert", "serve"]
