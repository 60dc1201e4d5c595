# The TTS service on an NVIDIA GPU. CUDA's libraries come with torch; the driver from the host.
# Build from the top of the repository: docker build -f deploy/docker/tts-cuda.Dockerfile .

FROM python:3.11-slim-bookworm AS packages
COPY deploy/requirements/tts-chatterbox.txt /requirements/
RUN python -m venv /opt/parley
# The lock overrides what some of its packages ask for, so pip must not look at that again.
RUN /opt/parley/bin/pip install --no-cache-dir --no-deps --require-hashes \
    --requirement /requirements/tts-chatterbox.txt

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/parley --create-home parley
COPY --from=packages /opt/parley /opt/parley
WORKDIR /app
COPY deploy/docker/healthcheck.py healthcheck.py
COPY shared shared
COPY services/__init__.py services/__init__.py
COPY services/tts services/tts
ENV PATH=/opt/parley/bin:$PATH
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ENV HOST=0.0.0.0 OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=10000
VOLUME /var/lib/parley
USER parley
EXPOSE 8002
HEALTHCHECK --interval=5s --timeout=3s --start-period=300s --retries=3 \
    CMD ["python", "healthcheck.py", "TTS_PORT", "8002"]
CMD ["python", "-m", "services.tts"]
