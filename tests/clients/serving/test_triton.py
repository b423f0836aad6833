"""Every endpoint of the Open Inference Protocol through Triton's own client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from tests.clients.serving.conftest import Truth

MIXED: dict[str, Any] = {
    "pair": np.array([[0.5, -1.0], [2.0, 0.25], [0.0, 3.5]], np.float32),
    "amount": np.array([1.0, 1e-300, -2.5e200], np.float64),
    "number": np.array([7, -(2**40), 2**52 + 1], np.int64),
    "flag": np.array([True, False, True]),
    "word": np.array(["naïve", "", "雪"], np.object_),
}
"""Three rows of the model `mixed`, one input of each type."""

Binary = pytest.mark.parametrize("binary", [True, False], ids=["bytes", "json"])


@pytest.fixture
def client(url: str) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(url.removeprefix("http://")) as made:
        yield made


def tensor(name: str, values: Any, *, binary: bool = True, datatype: str = "") -> InferInput:
    made = InferInput(name, list(values.shape), datatype or np_to_triton_dtype(values.dtype))
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def mixed(*, binary: bool) -> list[InferInput]:
    return [tensor(name, values, binary=binary) for name, values in MIXED.items()]


def test_it_is_live_and_ready(client: InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()


@pytest.mark.parametrize(
    ("name", "version", "ready"),
    [("churn", "", True), ("churn", "1", True), ("churn", "99", False), ("nobody", "", False), ("mixed", "1", True)],
)
def test_a_model_is_ready_when_it_is_served(
    client: InferenceServerClient, name: str, version: str, ready: bool
) -> None:
    assert client.is_model_ready(name, version) is ready


def test_the_server_tells_what_it_can_do(client: InferenceServerClient) -> None:
    told = client.get_server_metadata()
    assert (told["name"], "binary_tensor_data" in told["extensions"]) == ("quarterdeck", True)
    assert told["version"]


@pytest.mark.parametrize("version", ["", "1"])
def test_a_model_tells_its_inputs_and_outputs(client: InferenceServerClient, version: str) -> None:
    told = client.get_model_metadata("mixed", version)
    assert (told["name"], told["versions"]) == ("mixed", ["1"])
    assert {each["name"]: (each["datatype"], each["shape"]) for each in told["inputs"]} == {
        "pair": ("FP32", [-1, 2]),
        "amount": ("FP64", [-1]),
        "number": ("INT64", [-1]),
        "flag": ("BOOL", [-1]),
        "word": ("BYTES", [-1]),
    }
    assert {each["name"]: each["datatype"] for each in told["outputs"]}["unflagged"] == "BOOL"


@Binary
@pytest.mark.parametrize("datatype", ["FP64", "FP32"])
def test_a_matrix_is_answered_as_by_the_model(
    client: InferenceServerClient, truth: Truth, datatype: str, binary: bool
) -> None:
    rows = np.array(truth.rows, np.float64 if datatype == "FP64" else np.float32)
    found = client.infer("churn", [tensor("anything", rows, binary=binary)])
    assert found.as_numpy("predict").tolist() == truth.labels
    np.testing.assert_allclose(found.as_numpy("predict_proba"), truth.probabilities, atol=1e-5)


@Binary
def test_columns_are_answered_in_any_order(client: InferenceServerClient, truth: Truth, binary: bool) -> None:
    frame = truth.frame()
    given = [tensor(name, frame[name].to_numpy(), binary=binary) for name in reversed(truth.columns)]
    assert client.infer("churn", given, model_version="1").as_numpy("predict").tolist() == truth.labels


@Binary
@pytest.mark.parametrize("binary_out", [True, False], ids=["bytes out", "json out"])
def test_every_type_goes_there_and_back(client: InferenceServerClient, binary: bool, binary_out: bool) -> None:
    names = ("pair_again", "half", "number_again", "unflagged", "word_again")
    wanted = [InferRequestedOutput(name, binary_data=binary_out) for name in names]
    found = client.infer("mixed", mixed(binary=binary), outputs=wanted)
    np.testing.assert_array_equal(found.as_numpy("pair_again"), MIXED["pair"])
    np.testing.assert_array_equal(found.as_numpy("half"), MIXED["amount"] / 2)
    assert found.as_numpy("number_again").dtype == np.int64
    assert found.as_numpy("number_again").tolist() == MIXED["number"].tolist()
    assert found.as_numpy("unflagged").tolist() == [False, True, False]
    words = found.as_numpy("word_again").tolist()
    assert [each.decode() if isinstance(each, bytes) else each for each in words] == MIXED["word"].tolist()


def test_all_outputs_come_as_bytes_when_none_is_asked_for(client: InferenceServerClient) -> None:
    found = client.infer("mixed", mixed(binary=True))
    assert {each["name"] for each in found.get_response()["outputs"]} == {
        "pair_again",
        "half",
        "number_again",
        "unflagged",
        "word_again",
    }
    assert all("binary_data_size" in each["parameters"] for each in found.get_response()["outputs"])
    assert found.as_numpy("word_again").tolist() == [each.encode() for each in MIXED["word"]]


def test_only_the_outputs_that_are_asked_for_come(client: InferenceServerClient, truth: Truth) -> None:
    wanted = [InferRequestedOutput("predict", binary_data=False)]
    found = client.infer("churn", [tensor("x", np.array(truth.rows))], outputs=wanted)
    assert [each["name"] for each in found.get_response()["outputs"]] == ["predict"]
    assert found.get_output("predict")["data"] == truth.labels
    assert found.as_numpy("predict_proba") is None


TYPES = ("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64")


@pytest.mark.parametrize(
    ("datatype", "binary"),
    [*((each, False) for each in TYPES), *((each, True) for each in (*TYPES, "FP16"))],  # which goes as bytes only
)
def test_numbers_of_other_types_do_where_they_fit(client: InferenceServerClient, datatype: str, binary: bool) -> None:
    dtype = "float16" if datatype == "FP16" else datatype.lower()
    rows = np.array([[1, 2, 3, 4]], dtype)
    exact = client.infer("churn", [tensor("x", rows.astype(np.float64))]).as_numpy("predict_proba")
    found = client.infer("churn", [tensor("x", rows, binary=binary)]).as_numpy("predict_proba")
    np.testing.assert_array_equal(found, exact)


def test_the_requests_id_and_version_come_back(client: InferenceServerClient, truth: Truth) -> None:
    found = client.infer("churn", [tensor("x", np.array(truth.rows))], request_id="mine-7").get_response()
    assert (found["id"], found["model_name"], found["model_version"]) == ("mine-7", "churn", "1")


def test_parameters_of_the_client_harm_nothing(client: InferenceServerClient, truth: Truth) -> None:
    options: dict[str, Any] = {"priority": 3, "timeout": 1_000_000, "parameters": {"mine": "x", "other": 1}}
    given = [tensor("x", np.array(truth.rows))]
    assert client.infer("churn", given, **options).as_numpy("predict").tolist() == truth.labels


def test_compressed_requests_are_taken(client: InferenceServerClient, truth: Truth) -> None:
    given = [tensor("x", np.array(truth.rows))]
    for way in ("gzip", "deflate"):
        found = client.infer("churn", given, request_compression_algorithm=way, response_compression_algorithm=way)
        assert found.as_numpy("predict").tolist() == truth.labels


def test_many_at_once_get_their_own_answers(url: str, truth: Truth) -> None:
    with InferenceServerClient(url.removeprefix("http://"), concurrency=8) as client:
        asked = [
            (index, client.async_infer("churn", [tensor("x", np.array([truth.rows[index]]))], request_id=str(number)))
            for number, index in enumerate(list(range(len(truth.rows))) * 10)
        ]
        for number, (index, coming) in enumerate(asked):
            found = coming.get_result()
            assert found.get_response()["id"] == str(number)
            assert found.as_numpy("predict").tolist() == [truth.labels[index]]


def refused(client: InferenceServerClient, name: str, given: list[InferInput], **options: Any) -> tuple[str, str]:
    with pytest.raises(InferenceServerException) as told:
        client.infer(name, given, **options)
    return str(told.value.status()), str(told.value.message())


@pytest.mark.parametrize("binary", [True, False])
def test_what_cannot_be_is_refused_in_a_sentence(client: InferenceServerClient, truth: Truth, binary: bool) -> None:
    rows = np.array(truth.rows)
    good = [tensor("x", rows, binary=binary)]
    for name, given, options, status, words in (
        ("nobody", good, {}, "404", "nobody"),
        ("churn", good, {"model_version": "99"}, "404", "version"),
        ("churn", [tensor("x", rows[:, :3], binary=binary)], {}, "400", "3 values; the model takes 4"),
        ("churn", [tensor("a", rows[:, 0], binary=binary), *good], {}, "400", "lacks 3 inputs"),
        ("churn", [tensor("x", np.array([["a"] * 4], np.object_), binary=binary)], {}, "400", "numbers"),
        ("churn", good, {"outputs": [InferRequestedOutput("nothing")]}, "400", "output"),
        ("mixed", good, {}, "400", "lacks"),
        ("mixed", mixed(binary=binary)[:-1], {}, "400", "lacks 1 input: word"),
        ("mixed", [*mixed(binary=binary)[:-1], tensor("word", np.arange(3), binary=binary)], {}, "400", "text"),
        ("mixed", [*mixed(binary=binary)[1:], tensor("pair", np.ones((3, 3)), binary=binary)], {}, "400", "2 values"),
    ):
        said = refused(client, name, given, **options)
        assert said[0] == status, said
        assert words in said[1], said


def test_a_number_that_could_only_be_rounded_is_refused(client: InferenceServerClient) -> None:
    beyond = np.array([1, 2, 2**53 + 1], np.int64)
    for binary in (True, False):
        given = [each for each in mixed(binary=binary) if each.name() != "number"]
        status, words = refused(client, "mixed", [*given, tensor("number", beyond, binary=binary)])
        assert (status, "'number' is above the greatest" in words) == ("400", True)
