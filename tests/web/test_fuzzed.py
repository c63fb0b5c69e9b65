"""Requests made up from the description, sent without a socket: no 500, and nothing that is not declared."""

import functools
import json

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 100


@functools.cache
def doors(text):
    found = schemathesis.openapi.from_dict(json.loads(text)).get_all_operations()
    return tuple(operation.ok() for operation in found)


def key_for(path):
    return "department" if path.startswith("/v1/licences") else "operator" if path == "/metrics" else "window"


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_made_up_request_gets_an_undeclared_answer(counter, mode):
    operations = doors(counter.http.get("/openapi.json").text)
    assert len(operations) == 14
    tried = set()

    @seed(20260615)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def run(data):
        operation = data.draw(st.sampled_from(operations))
        case = data.draw(operation.as_strategy(generation_mode=mode))
        sent = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
        headers = {
            k: v for k, v in sent.headers.items() if k.lower() not in ("authorization", "content-length")
        }
        answer = counter.http.request(
            sent.method,
            sent.url.removeprefix("http://testserver"),
            content=sent.body,
            headers=headers | counter.auth(key_for(operation.path)),
        )
        case.validate_response(answer, checks=CHECKS)
        tried.add((operation.path, answer.status_code))

    run()
    assert len({path for path, _ in tried}) >= 10  # what takes no input has no wrong input either
