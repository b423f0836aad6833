"""What the server says it can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.server.answers import JsonAnswer
from engine.server.routes import Body, Route

if TYPE_CHECKING:
    from starlette.responses import Response

    from engine.server.call import Call

# Uploads in parts are taken from clients that are set up for them (MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD), for lines
# that break. Here they are not offered: one stream to the server's own disk is more than twice as fast.
_CAN = {
    "store_type": "SqlStore",
    "workspaces_enabled": False,
    "trace_archival_enabled": False,
    "multipart_uploads_enabled": False,
    "multipart_downloads_enabled": False,
    "presigned_upload_run_id_supported": False,
    "presigned_upload_model_id_supported": False,
    "features_enabled": {"gateway": False},
}


async def server_info(_: Call) -> Response:
    """Say what the server can do; clients ask it before they take a way that not every server has."""
    return JsonAnswer(_CAN)


ROUTES = (Route("GET", "/api/3.0/mlflow/server-info", server_info, body=Body.NONE),)
