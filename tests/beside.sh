#!/bin/sh
# Run the tests in three parts beside one another, print what each said, and fail when one of them failed.
#
#     tests/beside.sh RUNNER...     for example: .venv/bin/python, or: .venv/bin/coverage run
#
# The hall and the other rooms are busy, what is tried end to end mostly waits: together they fill two cores. Desk and
# clips go with the rooms, so that both busy parts take about as long.
set -u
python=$(dirname "$1")/python
rooms=$(find tests -mindepth 1 -maxdepth 1 \( -type d -o -name 'test_*.py' \) \
    ! -name end_to_end ! -name nvr ! -name __pycache__ | sort)
"$python" -m pytest tests/end_to_end --durations 12 >.end-to-end.log 2>&1 &
whole=$!
"$@" -m pytest tests/nvr --ignore tests/nvr/desk --ignore tests/nvr/clips >.hall.log 2>&1 &
hall=$!
# shellcheck disable=SC2086
"$@" -m pytest $rooms tests/nvr/desk tests/nvr/clips
failed=$?
wait "$hall" || failed=1
echo "The hall, beside it:"
cat .hall.log
wait "$whole" || failed=1
echo "End to end, beside it:"
cat .end-to-end.log
exit "$failed"
