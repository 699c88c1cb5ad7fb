"""Gateway responses of the template."""

from __future__ import annotations

import pytest

from lanner.local.gateway.faults import HTTP_WORDING, REST_WORDING
from lanner.local.plan import ApiPlan, GatewayResponsePlan
from tests.local.gateway.gateway_cloud import Event, FunctionRaised, Serve, cloud, rest_api, route


def api(*responses: GatewayResponsePlan) -> ApiPlan:
    return rest_api(
        route("GET /x/{id}"),
        gateway_responses={response.response_type: response for response in responses},
        stage_variables={"contact": "help@example.com"},
    )


def test_a_template_words_an_error_its_own_way(serve: Serve) -> None:
    """Status, headers and body, with variables of the context, the request and the stage."""
    response = GatewayResponsePlan(
        "MISSING_AUTHENTICATION_TOKEN",
        404,
        {
            "Access-Control-Allow-Origin": "'*'",
            "X-Request": "context.requestId",
            "X-Origin": "method.request.header.Origin",
            "X-Stage": "stageVariables.contact",
            "X-Nothing": "method.request.querystring.none",
        },
        {
            "application/problem+json": '{"title":$context.error.messageString,"type":"$context.error.responseType",'
            '"detail":"${context.error.message}","instance":"$context.requestId","ip":"$context.identity.sourceIp",'
            '"q":"$method.request.querystring.q","none":"$context.no.such"}'
        },
    )
    answer = serve(cloud(api(response))).get("/prod/none?q=1", headers={"Origin": "https://a.example"})
    body = answer.json()
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-request"] == body["instance"] == answer.headers["x-amzn-requestid"]
    assert (answer.headers["x-origin"], answer.headers["x-stage"]) == ("https://a.example", "help@example.com")
    assert "x-nothing" not in answer.headers
    assert (body["title"], body["detail"]) == ("Missing Authentication Token", "Missing Authentication Token")
    assert (body["type"], body["ip"], body["q"], body["none"]) == ("MISSING_AUTHENTICATION_TOKEN", "127.0.0.1", "1", "")


def test_the_defaults_cover_every_other_error(serve: Serve) -> None:
    """DEFAULT_5XX for a failing function, DEFAULT_4XX for an unknown path, each with the fault's own status."""
    responses = (
        GatewayResponsePlan("DEFAULT_4XX", headers={"X-Kind": "'client'"}),
        GatewayResponsePlan("DEFAULT_5XX", headers={"X-Kind": "'server'"}, templates={"text/plain": "oops"}),
    )

    def raising(event: Event) -> Event:
        raise FunctionRaised("error")

    served = serve(cloud(api(*responses)), {"Fn": raising})
    client, server = served.get("/prod/none"), served.get("/prod/x/1")
    assert (client.status_code, client.headers["x-kind"]) == (403, "client")
    assert client.json() == {"message": "Missing Authentication Token"}
    assert (server.status_code, server.headers["x-kind"], server.text) == (502, "server", "oops")


def test_a_response_of_the_type_wins_over_the_default(serve: Serve) -> None:
    """The more special one alone; the default is not mixed in."""
    responses = (
        GatewayResponsePlan("DEFAULT_4XX", 499, {"X-Kind": "'default'"}),
        GatewayResponsePlan("MISSING_AUTHENTICATION_TOKEN", headers={"X-Own": "'yes'"}),
    )
    answer = serve(cloud(api(*responses))).get("/prod/none")
    assert (answer.status_code, answer.headers["x-own"]) == (403, "yes")
    assert "x-kind" not in answer.headers


def test_a_request_cannot_write_into_the_answer(serve: Serve) -> None:
    """What a variable brings in is one header value, whatever the request held."""
    response = GatewayResponsePlan("DEFAULT_4XX", headers={"X-Query": "method.request.querystring.q"})
    answer = serve(cloud(api(response))).get("/prod/none?q=a%0d%0aInjected:%20yes")
    assert answer.status_code == 403
    assert "injected" not in answer.headers


@pytest.mark.parametrize("name", sorted(REST_WORDING))
def test_both_kinds_of_api_word_every_fault(name: str) -> None:
    """No fault is without a status on either kind, and both agree on whose mistake it was."""
    rest, http = REST_WORDING[name], HTTP_WORDING[name]
    assert rest.status // 100 == http.status // 100
    assert rest.error.endswith("Exception")
