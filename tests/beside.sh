#!/bin/sh
# Run the tests in three parts beside one another, print what each said, and fail when one of them failed.
#
#     tests/beside.sh RUNNER...     for example: .venv/bin/python, or: .venv/bin/coverage run
#
# The hall and the other rooms are busy, what is tried end to end mostly waits: together they fill two cores.
set -u
python=$(dirname "$1")/python
"$python" -m pytest tests/end_to_end >.end-to-end.log 2>&1 &
whole=$!
"$@" -m pytest tests/nvr >.hall.log 2>&1 &
hall=$!
"$@" -m pytest --ignore tests/end_to_end --ignore tests/nvr
failed=$?
wait "$hall" || failed=1
echo "The hall, beside it:"
cat .hall.log
wait "$whole" || failed=1
echo "End to end, beside it:"
cat .end-to-end.log
exit "$failed"
