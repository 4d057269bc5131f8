#!/usr/bin/env bash
# fetch-with-progress.sh FOLDER COMMAND...   Runs COMMAND and, while it runs, says how much has arrived in FOLDER.
# "dotnet run" shows nothing of its build, so the words go to the terminal itself where there is one.
set -u
folder=$(dirname "$1"); shift
if { : >/dev/tty; } 2>/dev/null; then exec 3>/dev/tty; else exec 3>&1; fi
echo "Fetching the ClickHouse engine (178 MB, once) ..." >&3
"$@" & job=$!
while kill -0 "$job" 2>/dev/null; do
  sleep 2
  [ -d "$folder" ] && echo "  $(du -sm "$folder" 2>/dev/null | cut -f1) of about 566 MB unpacked" >&3
done
wait "$job" && echo "The ClickHouse engine is in place; the build goes on." >&3
