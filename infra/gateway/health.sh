#!/bin/bash
# Healthy where nginx answers, whatever it says.
exec 3<>/dev/tcp/127.0.0.1/8080
printf 'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
read -r -t 4 line <&3
[[ $line == HTTP/1.* ]]
