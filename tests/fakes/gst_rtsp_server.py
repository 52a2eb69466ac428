"""GStreamer's RTSP server with one mount: an RTSP stack that nobody here wrote. Run with /usr/bin/python3.

Arguments: MP4 file or "live" (H.264 test picture without end), h264 or h265, audio (pcmu, aac or none), password
(empty: none). Prints the port, then a line "SETUP url" for each request that sets a media up.
Knows nothing of the project's packages.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

LIVE = (
    "videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=15/1 ! "
    "x264enc tune=zerolatency key-int-max=15 bitrate=500"
)
AUDIO = {
    "none": "",
    "pcmu": "audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay name=pay1",
    "aac": "audiotestsrc is-live=true ! audio/x-raw,rate=16000 ! avenc_aac ! rtpmp4gpay name=pay1 pt=97",
}


def log(context: object, word: str) -> None:
    print(word, context.uri.get_request_uri(), flush=True)  # type: ignore[attr-defined]


def main() -> None:
    path, codec, audio, password = sys.argv[1:5]
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    source = LIVE if path == "live" else f"filesrc location={path} ! qtdemux"
    factory.set_launch(f"( {source} ! {codec}parse ! rtp{codec}pay name=pay0 pt=96 config-interval=-1 {AUDIO[audio]} )")
    factory.set_shared(True)
    if password:
        authentication = GstRtspServer.RTSPAuth()
        authentication.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        authentication.add_digest("viewer", password, token)
        server.set_auth(authentication)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/cam", factory)
    server.connect(
        "client-connected",
        lambda _, client: (
            client.connect("setup-request", lambda _, context: log(context, "SETUP")),
            client.connect("teardown-request", lambda _, context: log(context, "TEARDOWN")),
        ),
    )
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
