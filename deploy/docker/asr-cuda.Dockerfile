# The ASR service on an NVIDIA GPU. CUDA's libraries come with the lock; the driver from the host.
# Build from the top of the repository: docker build -f deploy/docker/asr-cuda.Dockerfile .

FROM python:3.11-slim-bookworm AS packages
COPY deploy/requirements/asr-cuda.txt deploy/requirements/smart-turn.txt /requirements/
RUN python -m venv /opt/parley
RUN /opt/parley/bin/pip install --no-cache-dir --require-hashes \
    --requirement /requirements/asr-cuda.txt
RUN /opt/parley/bin/pip install --no-cache-dir --no-deps --require-hashes \
    --requirement /requirements/smart-turn.txt

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/parley --create-home parley
COPY --from=packages /opt/parley /opt/parley
WORKDIR /app
COPY deploy/docker/healthcheck.py healthcheck.py
COPY shared shared
COPY services/__init__.py services/__init__.py
COPY services/asr services/asr
ENV PATH=/opt/parley/bin:$PATH
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ENV HOST=0.0.0.0 OMP_WAIT_POLICY=PASSIVE
VOLUME /var/lib/parley
USER parley
EXPOSE 8001
HEALTHCHECK --interval=5s --timeout=3s --start-period=120s --retries=3 \
    CMD ["python", "healthcheck.py", "ASR_PORT", "8001"]
CMD ["python", "-m", "services.asr"]
