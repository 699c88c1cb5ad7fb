"""Which pages of other origins may read this API: all of them, with scripts but without cookies.

Nothing here is answered by who a browser says that it is: a caller proves itself with what its own code puts into
`Authorization`. A page can therefore do no more than any other client, and every origin may ask. The gateway's own
errors say the same (template.yaml).
"""

from __future__ import annotations

from lanner.http.cors import CorsPolicy

CORS = CorsPolicy(["*"])
