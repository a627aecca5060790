# One image for every service of docker-compose.yml: Airflow, and the Python that the steps run in.
FROM python:3.12-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH=/app
WORKDIR /app

COPY requirements-airflow.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements-airflow.lock

COPY dags ./dags
COPY dbt_project ./dbt_project
COPY exports ./exports
COPY identity_resolution ./identity_resolution
COPY ingest ./ingest
COPY ledger ./ledger
COPY pyproject.toml ./

RUN printf '#!/bin/sh\nexec python -m dags "$@"\n' > /usr/local/bin/onemember && chmod +x /usr/local/bin/onemember

RUN useradd --create-home --uid 10001 onemember \
    && mkdir -p /data/lake /data/keys /data/airflow \
    && chown -R onemember /data
USER onemember
