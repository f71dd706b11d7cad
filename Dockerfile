FROM python:3.12-slim

# Dependencies first: they change less often than the code.
WORKDIR /hub
COPY requirements/run.lock requirements/run.lock
RUN pip install --no-cache-dir --require-hashes -r requirements/run.lock
COPY pyproject.toml README.md ./
COPY hub hub
COPY adapters_config adapters_config
# The runbook, which the console shows beside an incident.
COPY docs/operations.md docs/operations.md

RUN useradd --system hub
USER hub
ENV PYTHONUNBUFFERED=1
ENTRYPOINT ["python", "-m", "hub"]
