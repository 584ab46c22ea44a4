# Stands in for redis:7.2-bookworm.
FROM groundup-standin-debian
RUN groupadd --system --gid 999 redis && useradd --system --gid redis --uid 999 redis
RUN apt-get -q update && apt-get -qy install --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/*
RUN install -d -o redis -g redis /data
WORKDIR /data
VOLUME /data
EXPOSE 6379
CMD ["redis-server", "--protected-mode", "no", "--bind", "0.0.0.0", "--dir", "/data"]
