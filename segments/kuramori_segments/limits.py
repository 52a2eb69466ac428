"""The sizes and limits of vault format version 1, each with its reason (FORMAT.md, "Limits").

Only numbers stand here; this module must not know who uses them.
"""

BLOCK_BYTES = 4096  # the unit of writing: larger than any sector in use, and the page size
MEBIBYTE = 1 << 20
SLOT_BYTES = 16 * MEBIBYTE  # half a minute at 4 Mbit/s: small waste, short chains, quick recovery
MIN_SLOT_BYTES = 64 * 1024  # header, one commit, index and footer still fit
MAX_SLOT_BYTES = 1 << 30  # offsets inside a segment stay within u32
MAX_SLOT_COUNT = 1 << 24  # 256 TiB of default slots; the slot table stays at 1 GiB
SLOT_ALIGNMENT_BYTES = MEBIBYTE  # slots never share an erase block or a RAID stripe with the slot table

CHUNK_HEAD_BYTES = 64
CHUNK_AUTHENTICATED_BYTES = 60  # the head without its checksum is the associated data
TAG_BYTES = 16
MAX_CHUNK_BYTES = 65536  # one verification decrypts at most this much; 16 blocks
MAX_BODY_BYTES = MAX_CHUNK_BYTES - CHUNK_HEAD_BYTES
MAX_CHUNK_PLAINTEXT_BYTES = MAX_BODY_BYTES - TAG_BYTES

MIN_CUSTODIANS_TO_OPEN = 2  # nobody opens recordings alone (H4)
MAX_CUSTODIANS = 16  # the sealed shares stay in the header block
MAX_CAMERA_NAME_BYTES = 64
MAX_FOOTER_GAPS = 64  # the ledger has them all; the footer stays one block

MAX_ACCESS_UNIT_BYTES = 8 * MEBIBYTE  # about ten times a 4K key frame; half a slot
MAX_NAL_UNITS = 0xFFFF  # per access unit: the field is u16
MAX_PARAMETER_SETS = 64  # H.264 allows 32 SPS; nobody uses more together
MAX_JSON_RECORD_BYTES = 65536  # configuration, parameter sets and timeline events are small
MAX_CAMERA_EVENT_BYTES = 1024  # one a second of them is less than a camera of 0.2 Mbit/s notices
MAX_AUDIO_FRAME_BYTES = 8191  # RFC 3640: the length of a frame has 13 bits
MAX_AUDIO_CONFIG_BYTES = 64  # an AudioSpecificConfig has 2 to 7, with extensions a few more
MAX_AUDIO_RATE_HZ = 96_000  # the highest rate of AAC
MAX_AUDIO_CHANNELS = 8
MAX_DECISION_CHARACTERS = 1000  # five times what a configuration takes
MAX_INDEX_ENTRIES = 2048  # the index fits into one chunk; beyond, it is thinned
MAX_INDEXED_PARAMETER_SETS = 256  # beyond, a reader starts at the segment's beginning


def blocks_up(length_bytes: int) -> int:
    """Return the length rounded up to whole blocks, in bytes."""
    return (length_bytes + BLOCK_BYTES - 1) & -BLOCK_BYTES
