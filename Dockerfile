# The command of the README in a container. It writes to the folder that is mounted, as the user who started it:
#
#   docker build -t mtlbench .
#   mkdir -p results && docker run --rm --user "$(id -u)" -v "$PWD/results:/results" mtlbench
#   docker run --rm mtlbench mtlbench list
#   docker run --rm --gpus all mtlbench mtlbench run --device cuda
FROM python:3.12-slim

WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY mtlbench mtlbench
COPY plugins/mtlbench_plugins plugins/mtlbench_plugins
# hadolint ignore=DL3013  # the versions are those of pyproject.toml
RUN python -m pip install --no-cache-dir ".[figures,report]" \
    && mkdir --mode=1777 /results

ENV HOME=/tmp MTLBENCH_CACHE=/tmp/mtlbench
WORKDIR /results
USER 65534
CMD ["mtlbench", "run", "--weighting", "rmtl", "--backbone", "all"]
