"""The last look at the grant, where plaintext is made: the job must be what the signed document allows.

The desk has checked all this. Here it is checked again, by a process that asks nobody. Pure.
"""

from cryptography.hazmat.primitives.asymmetric import ec

from kuramori.clips.job import ExtractionFailed, ExtractionFault, ExtractionJob
from kuramori.desk.granted import GrantedRequest, GrantInvalid, check_signature, read_granted
from kuramori_segments.header import header_digest


def check_grant(job: ExtractionJob, device_key: ec.EllipticCurvePublicKey) -> GrantedRequest:
    """Return the granted request of a job. Raises ExtractionFailed where it does not allow the job."""
    try:
        granted = read_granted(job.granted_document)
        check_signature(job.granted_document, job.granted_signature, device_key)
    except GrantInvalid as fault:
        raise _refused(f"the granted request cannot be trusted ({fault})") from fault
    if (granted.request_id, granted.recorder_id) != (job.request_id, job.recorder_id):
        raise _refused("the granted request is another one")
    if job.from_utc_ms < granted.from_utc_ms or job.to_utc_ms > granted.to_utc_ms:
        raise _refused("the range is wider than the granted one")
    cameras = {(camera.number, camera.name) for camera in granted.cameras}
    segments = {(item.camera_number, item.segment_uid, item.header_digest) for item in granted.segments}
    for camera in job.cameras:
        if (camera.camera_number, camera.camera) not in cameras:
            raise _refused(f"{camera.camera} is not a granted camera")
        for segment in camera.segments:
            if (camera.camera_number, segment.segment_uid, header_digest(segment.header)) not in segments:
                raise _refused(f"{camera.camera}, segment {segment.sequence} is not a granted one")
    return granted


def _refused(detail: str) -> ExtractionFailed:
    return ExtractionFailed(ExtractionFault.DAMAGED, detail)
