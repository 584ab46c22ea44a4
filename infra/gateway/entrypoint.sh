#!/bin/sh
# Fills in the template that the embedded mode fills in by infra/services.py, and becomes nginx.
set -eu
GROUNDUP_GATEWAY_SECRET=$(cat /run/groundup/GROUNDUP_GATEWAY_SECRET)
public_host=$(printf '%s' "${GROUNDUP_PUBLIC_URL:-http://localhost}" | sed -E 's#^[a-z]+://##; s#/.*##; s#:[0-9]+$##' | tr '[:upper:]' '[:lower:]')
GROUNDUP_SERVER_NAMES=$(printf '%s,%s' "$GROUNDUP_ALLOWED_HOSTS" "$public_host" | tr '[:upper:]' '[:lower:]' | tr ',' '\n' | sort -u | tr '\n' ' ')
GROUNDUP_S3_ORIGINS=$(printf '%s\n%s\n' "$GROUNDUP_S3_URL" "${S3_PUBLIC_URL:-}" | sed -nE 's#^(https?://[^/]+).*#\1#p' | sort -u | tr '\n' ' ')
GROUNDUP_NGINX_USER=
# Replicas (`--scale monitor=3`) are the addresses that the resolver finds.
GROUNDUP_MONITOR_UPSTREAM=
GROUNDUP_LISTEN=8080
GROUNDUP_RESOLVER="resolver $(sed -n 's/^nameserver //p' /etc/resolv.conf | head -n 1) valid=2s ipv6=off;"
GROUNDUP_RUN_DIR=/tmp
GROUNDUP_WEB_ROOT=/opt/groundup/web
export GROUNDUP_GATEWAY_SECRET GROUNDUP_S3_ORIGINS GROUNDUP_SERVER_NAMES GROUNDUP_NGINX_USER GROUNDUP_MONITOR_UPSTREAM GROUNDUP_LISTEN GROUNDUP_RESOLVER GROUNDUP_RUN_DIR GROUNDUP_WEB_ROOT

names=$(grep -o '\${GROUNDUP_[A-Z0-9_]*}' /opt/groundup/nginx.conf.template | sort -u | tr '\n' ' ')
umask 077
envsubst "$names" </opt/groundup/nginx.conf.template >/tmp/nginx.conf
exec nginx -c /tmp/nginx.conf -g 'daemon off;'
