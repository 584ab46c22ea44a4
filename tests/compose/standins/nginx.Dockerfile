# Stands in for nginx:1.28-bookworm.
FROM groundup-standin-debian
RUN apt-get -q update && apt-get -qy install --no-install-recommends nginx gettext-base && rm -rf /var/lib/apt/lists/*
RUN groupadd --system --gid 101 nginx && useradd --system --gid nginx --uid 101 nginx
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
