"""Webhooks by Powertools: routes, a validated body, logs and metrics."""

import json

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver, Response
from aws_lambda_powertools.metrics import MetricUnit

app = LambdaFunctionUrlResolver()
logger = Logger()
metrics = Metrics()
seen = []


@app.get("/hooks")
def list_hooks():
    """How many hooks this environment has seen."""
    return {"count": len(seen)}


@app.post("/hooks/<source>")
def receive(source):
    """Keep a hook's body."""
    seen.append((source, app.current_event.json_body))
    metrics.add_metric(name="Hooks", unit=MetricUnit.Count, value=1)
    logger.info("received", source=source)
    return Response(status_code=202, content_type="application/json", body=json.dumps({"source": source}))


@metrics.log_metrics
@logger.inject_lambda_context
def lambda_handler(event, context):
    """Requests by URL, and a sweep by schedule."""
    if event.get("sweep"):
        seen.clear()
        return {"swept": True}
    return app.resolve(event, context)
