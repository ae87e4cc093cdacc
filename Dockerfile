# Chaincode server, gateway and the `condocharge` command; what it runs as is up to the command.
FROM python:3.11-slim
COPY requirements/production.txt /tmp/production.txt
RUN pip install --no-cache-dir --require-hashes --requirement /tmp/production.txt
COPY . /source
RUN pip install --no-cache-dir --no-deps /source && rm -rf /source /tmp/production.txt
CMD ["condocharge", "--help"]
