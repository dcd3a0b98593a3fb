# The service alone, for a PostgreSQL elsewhere: neither the embedded one nor the tools of development.
# docs/containers.md says how to run it.

FROM python:3.14-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements.lock ./
# All that is locked, against its hashes; nothing after this line comes from outside.
RUN pip download --require-hashes --only-binary :all: --requirement requirements.lock --dest wheels
COPY pyproject.toml README.md ./
COPY src src
RUN pip install --no-index -f wheels hatchling \
    && pip wheel --no-index --no-deps --no-build-isolation --wheel-dir wheels . \
    && python -m venv --without-pip /opt/roundbook \
    && pip --python /opt/roundbook/bin/python install --no-index -f wheels 'roundbook[brokers,tracing]'

FROM python:3.14-slim
ENV PATH=/opt/roundbook/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    ROUNDBOOK_SIGNING_KEYS=/keys
# The keys that sign the logs: a volume, which begins with this folder's owner.
RUN install --directory --owner 10001 --group 10001 --mode 700 /keys
COPY --from=build /opt/roundbook /opt/roundbook
# A number, so that an orchestrator can tell that it is not root's.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-c", "\
from http.client import HTTPConnection; \
service = HTTPConnection('127.0.0.1', 8000, timeout=4); \
service.request('GET', '/health/live'); \
raise SystemExit(service.getresponse().status != 200)"]
ENTRYPOINT ["roundbook"]
CMD ["serve", "--host", "0.0.0.0"]
