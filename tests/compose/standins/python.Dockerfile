# Stands in for python:3.11-slim-bookworm.
FROM groundup-standin-debian
RUN apt-get -q update && apt-get -qy install --no-install-recommends python3 python3-venv python3-pip && rm -rf /var/lib/apt/lists/*
RUN ln -s /usr/bin/python3 /usr/local/bin/python && ln -s /usr/bin/pip3 /usr/local/bin/pip
CMD ["python"]
