"""Names of the API's own HTTP headers, for both ends. Must not know anything else."""

PERSON_HEADER = "Kuramori-Person"  # who acts, percent-encoded UTF-8
MANIFEST_HEADER = "Kuramori-Manifest-Digest"  # of a bundle: as registered in *released*, hexadecimal
AIMS_LEFT_HEADER = "Kuramori-Aims-Left"  # with a still: how many more this enrolment has
NEXT_HEADER = "Kuramori-Next-Utc-Ms"  # with pictures: where to go on
OPENING_HEADER = "Kuramori-Opening"  # of a bundle: which one of its request
KEY_HEADER = "Idempotency-Key"  # with a write: repeated with it, the write is answered again and done once
REPLAYED_HEADER = "Idempotency-Replayed"  # "true" with an answer that is given again
