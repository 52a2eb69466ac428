"""GStreamer's RTSP server with one mount: an RTSP stack that nobody here wrote. Run with /usr/bin/python3.

Arguments: MP4 file or "live" (H.264 test picture without end), h264 or h265, audio (pcmu, pcma, aac or none), password
(empty: none); then, where wanted: --udp (sends over nothing else), --tls PEM (certificate and key), --host, --port.
Prints the port, then a line "SETUP url" for each request that sets a media up, and "TEARDOWN url".
Knows nothing of the project's packages.
"""

import argparse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

LIVE = (
    "videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=15/1 ! "
    "x264enc tune=zerolatency key-int-max=15 bitrate=500"
)
G711 = "audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 !"
AUDIO = {
    "none": "",
    "pcmu": f"{G711} mulawenc ! rtppcmupay name=pay1",
    "pcma": f"{G711} alawenc ! rtppcmapay name=pay1",
    "aac": "audiotestsrc is-live=true ! audio/x-raw,rate=16000 ! avenc_aac ! rtpmp4gpay name=pay1 pt=97",
}
ROLE = "viewer"


def log(context: object, word: str) -> None:
    print(word, context.uri.get_request_uri(), flush=True)  # type: ignore[attr-defined]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("path", "codec", "audio", "password"):
        parser.add_argument(name)
    parser.add_argument("--udp", action="store_true")
    parser.add_argument("--tls", default="")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default="0")
    return parser.parse_args()


def guard(server: object, factory: object, password: str, tls: str) -> None:
    """Ask for a password, or speak TLS, or both."""
    authentication = GstRtspServer.RTSPAuth()
    if tls:
        authentication.set_tls_certificate(Gio.TlsCertificate.new_from_file(tls))
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    if password:
        authentication.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        authentication.add_digest(ROLE, password, token)
    else:
        authentication.set_default_token(token)
    server.set_auth(authentication)  # type: ignore[attr-defined]
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role(ROLE, "media.factory.access", True)
    permissions.add_permission_for_role(ROLE, "media.factory.construct", True)
    factory.set_permissions(permissions)  # type: ignore[attr-defined]


def main() -> None:
    wanted = arguments()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address(wanted.host)
    server.set_service(wanted.port)
    factory = GstRtspServer.RTSPMediaFactory()
    source = LIVE if wanted.path == "live" else f"filesrc location={wanted.path} ! qtdemux"
    pay = f"{wanted.codec}parse ! rtp{wanted.codec}pay name=pay0 pt=96 config-interval=-1"
    factory.set_launch(f"( {source} ! {pay} {AUDIO[wanted.audio]} )")
    factory.set_shared(True)
    if wanted.udp:
        factory.set_protocols(GstRtsp.RTSPLowerTrans.UDP)
    if wanted.password or wanted.tls:
        guard(server, factory, wanted.password, wanted.tls)
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
