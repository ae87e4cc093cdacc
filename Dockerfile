# Chaincode server, gateway and the `condocharge` command; what it runs as is up to the command.
FROM python:3.11-slim AS build
COPY . /source
WORKDIR /source
# The browser's modules are in no clone: without them the wheel's pages would load nothing.
RUN python -m tools.web && pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
COPY requirements/production.txt /tmp/production.txt
RUN pip install --no-cache-dir --require-hashes --requirement /tmp/production.txt && rm /tmp/production.txt
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels pip install --no-cache-dir --no-deps /wheels/*.whl
CMD ["condocharge", "--help"]
