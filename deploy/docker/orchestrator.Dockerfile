# The orchestrator: no model, no torch, no onnxruntime.
# Build from the top of the repository: docker build -f deploy/docker/orchestrator.Dockerfile .

FROM python:3.11-slim-bookworm AS packages
COPY deploy/requirements/orchestrator.txt /requirements/
RUN python -m venv /opt/parley
RUN /opt/parley/bin/pip install --no-cache-dir --require-hashes \
    --requirement /requirements/orchestrator.txt

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/parley --create-home parley
COPY --from=packages /opt/parley /opt/parley
WORKDIR /app
COPY deploy/docker/healthcheck.py healthcheck.py
COPY shared shared
COPY services/__init__.py services/__init__.py
COPY services/orchestrator services/orchestrator
ENV PATH=/opt/parley/bin:$PATH
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ENV HOST=0.0.0.0
USER parley
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "healthcheck.py", "ORCHESTRATOR_PORT", "8000"]
CMD ["python", "-m", "services.orchestrator"]
