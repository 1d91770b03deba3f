# Parley as a container image: one image, and the command says which process it is (compose.yaml shows them all).
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
COPY requirements/runtime.txt requirements/runtime.txt
RUN python -m venv /venv && /venv/bin/pip install --require-hashes -r requirements/runtime.txt
COPY . .
# The settings want keys; these are nobody's, and none of them is kept.
RUN SECRET_KEY=for-collectstatic-alone DATA_DIR=/tmp/build /venv/bin/python manage.py collectstatic --noinput --skip-checks \
    && mkdir -p /data/media && cp -r /tmp/build/static /data/static \
    && /venv/bin/python -m compileall -q -j 0 /app

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home parley
COPY --from=build /venv /venv
COPY --from=build /app /app
COPY --from=build --chown=parley:parley /data /data
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/data
WORKDIR /app
USER parley
VOLUME /data/media
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz')"]
CMD ["granian", "--interface", "wsgi", "config.wsgi:application", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "32", "--workers-kill-timeout", "3", "--log-level", "error"]
