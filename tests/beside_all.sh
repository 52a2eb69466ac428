#!/bin/sh
# Run what `make test` leaves out in three parts beside one another, print what each said, fail when one of them failed.
#
#     tests/beside_all.sh .venv/bin/python
#
# Whole services mostly wait, as do tests that watch for many minutes; crashes, faults and browsers are busy. Each part has
# a folder of its own: one part's mounts are in nobody's way.
set -u
python=$1
folder=$(mktemp -d)
services="tests/end_to_end tests/service tests/packaging"
slow="(slow or root) and not long and not bench"
"$python" -m pytest -m long -n 4 --timeout 1800 --basetemp="$folder/l" -rs >.long.log 2>&1 &
long=$!
# shellcheck disable=SC2086
"$python" -m pytest $services -m "$slow" --timeout 1800 --basetemp="$folder/s" --durations 15 -rs >.services.log 2>&1 &
whole=$!
"$python" -m pytest --ignore tests/end_to_end --ignore tests/service --ignore tests/packaging -m "$slow" \
    --timeout 1800 --basetemp="$folder/o" --durations 15 -rs
failed=$?
wait "$whole" || failed=1
echo "Whole services, beside it:"
cat .services.log
wait "$long" || failed=1
echo "The long ones, beside them:"
cat .long.log
exit "$failed"
