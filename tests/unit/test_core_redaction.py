"""Secrets in, gone; what a failure hangs on, unchanged."""

from __future__ import annotations

import json
import random
import re
import string
import time

import pytest

from rigfit.core.redaction.private import Private
from rigfit.core.redaction.redactor import Redactor

KNOWN = Private(
    users=("alice", "torch", "bo", "root"),
    hosts=("gpubox", "lab.corp.test", "titan", "vm"),
    homes=("/home/alice", "/srv/people/alice", "/nfs/u4711", "/root"),
    secrets=("correct horse", "Tr0ub4dor&3", "abc", "false"),
    ordinary=frozenset({"hopper"}),
)


def redacted(text: str, known: Private = KNOWN) -> str:
    return Redactor(known.learned([text])).text(text)


SECRETS = [
    # text, what must be gone of it
    ("/home/alice/.cache/uv", "alice"),
    ("/home/carol/x.py", "carol"),
    ("/home/c/carol/x.py", "carol"),
    ("/home/staff/carol/x.py", "carol"),
    ("/Users/carol/Library", "carol"),
    ("/home/torch/x.py", "/torch/"),
    ("/home/zoë/x.py", "zoë"),
    (r"C:\Users\Carol Smith\AppData", "Carol"),
    (r"C:\\Users\\Carol Smith\\AppData", "Smith"),
    (r"C:\Users\carol", "carol"),
    ("/mnt/c/Users/carol/Downloads", "carol"),
    ("~carol/models", "carol"),
    ("/srv/people/alice/models", "alice"),
    ("/nfs/u4711/models", "u4711"),
    ("/scratch/torch/run", "/torch/"),
    ("written for ALICE by Alice", "lice"),
    ("alice_dev/alice-laptop", "alice"),
    ("process 4711 of carol (python) holds 3.0 GiB", "carol"),
    ("process 4711 of bo (python) holds 3.0 GiB", " bo "),
    ("or ask carol, dave when that will be", "dave"),
    ("uid=1000(carol) gid=1000(carol)", "carol"),
    ("user=torch", "torch"),
    ("torch@10.1.2.3: permission denied", "torch"),
    ("seen in /home/carol/a and told by carol", "by carol"),
    ("gpubox cannot be reached", "gpubox"),
    ("GPUBOX.lab.corp.test cannot be reached", "GPUBOX"),
    ("index.lab.corp.test: Name or service not known", "index"),
    ("root@vm:~#", "@vm"),
    ("https://titan/simple", "titan"),
    ("connect to host titan port 22", "titan"),
    ("titan:29500 refused", "titan"),
    ("https://wheels.acme.test/simple", "acme"),
    ("https://wheels.acme.test/simple, then wheels.acme.test said no", "acme"),
    ("https://a.acme.test,https://b.acme.test", "acme"),
    ("wheels.acme.lan is down", "acme"),
    ("ip-10-1-2-3.ec2.internal", "10-1"),
    ("gpu-07.local", "gpu-07"),
    ("connect to 10.1.2.3:443", "10.1.2.3"),
    ("from 192.168.7.9", "192.168"),
    ("tcp://10.0.0.7:29500", "10.0.0.7"),
    ("MASTER_ADDR=10.0.0.7", "10.0.0.7"),
    ("the address 8.8.4.4", "8.8.4.4"),
    ("host 151.101.0.223 timed out", "151.101"),
    ("connected to 13.225.103.2", "13.225"),
    ("inet 172.17.0.2/16", "172.17"),
    ("fe80::42:acff:fe11:2%eth0", "fe80"),
    ("cannot reach 2001:db8::7: timed out", "2001"),
    ("http://[2001:db8::7]:8080/x", "2001"),
    ("ether 02:42:ac:11:00:02", "02:42"),
    ("02-42-AC-11-00-02", "AC-11"),
    ("written by Carol <carol.s+ml@mail.acme.test>", "acme"),
    ("https://carol:hunter2@wheels.acme.test/simple", "hunter2"),
    ("https://carol:hunter2@github.com/x", "carol"),
    ("https://carol:hun@ter2@github.com/x", "ter2"),
    ("https://carol:hun/ter2@wheels.acme.test/x", "ter2"),
    ("git+https://s3cr3tt0ken@github.com/x", "s3cr3tt0ken"),
    ("https://carol:hunter2@github.com/x; later: hunter2", "later: hunter2"),
    ("https://huggingface.co/x?token=abcdef&sig=q1w2", "q1w2"),
    ("https://pkgs.acme.test/aB3dE5gH7jK9mN1pQ3sT/simple", "aB3dE5"),
    ("HF_TOKEN is hf_abcdefghijklmnopqrstuvwxyz0123456789", "hf_abc"),
    ("hf_AbCdEfGhIj was refused", "AbCdEf"),
    ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_a"),
    ("gho_abcdefghijklmnopqrstuvwxyz0123456789", "gho_a"),
    ("github_pat_11ABCDEFG0abcdefghijkl_mnop", "11ABC"),
    ("glpat-abcdefghijklmnopqrst", "abcdef"),
    ("AKIAIOSFODNN7EXAMPLE", "IOSFO"),
    ("xoxb-1234567890-abcdef", "1234567890"),
    ("pypi-AgEIcHlwaS5vcmcCJGFiY2RlZg", "AgEI"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "eyJzdWI"),
    ("Authorization: Bearer q1w2e3r4t5", "q1w2"),
    ("Authorization: Basic Y2Fyb2w6aHVudGVyMg==", "Y2Fy"),
    ('{\\"Authorization\\": \\"q1w2e3\\"}', "q1w2"),
    ("sent Bearer q1w2e3r4t5y6", "q1w2"),
    ("Cookie: session=q1w2; other=3", "q1w2"),
    ("hf auth login --token q1w2e3", "q1w2"),
    ("tool --password=hunter2 --yes", "hunter2"),
    ("tool --api-key 'q1w2e3'", "q1w2"),
    ("token=q1w2e3", "q1w2"),
    ("password: hunter2", "hunter2"),
    ('"password": "correct horse battery"', "battery"),
    ("api_key = 'q1w2e3'", "q1w2"),
    ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", "K7MD"),
    ("export PGPASSWORD=hunter2", "hunter2"),
    ("machine wheels.acme.test login carol password hunter2", "hunter2"),
    ("curl -u carol:hunter2 https://x.acme.test/", "hunter2"),
    ("docker login -u carol -p hunter2", "hunter2"),
    ("HTTPSConnectionPool(host='proxy.acme.test', port=3128)", "acme"),
    ("wheels.acme.test cannot be reached: timed out", "acme"),
    ("he said correct horse", "horse"),
    ("before Tr0ub4dor&3 after", "Tr0ub"),
    ("GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", "8932"),
    ("CUDA_VISIBLE_DEVICES=GPU-8932f937", "8932"),
    ("MIG-8932f937-d72c-4106-c12f-20bd9faed9f6", "8932"),
    ("Serial Number: 1320320012345", "13203"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n-----END OPENSSH PRIVATE KEY-----", "b3Bl"),
    ("-----BEGIN RSA PRIVATE KEY-----\nb3Blbn", "b3Bl"),
    ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ carol@gpubox", "C3Nz"),
    ("key MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKjMzEf", "MIIE"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=[text[:40] for text, _ in SECRETS])
def test_a_secret_is_gone(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redacted(text)


INNOCENT = [
    "sha256:02e45387b0a1f3d6c7e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0",
    "torch-2.13.0+cu130-cp311-cp311-manylinux_2_28_x86_64.whl",
    "needs bitsandbytes >= 0.47.0; found bitsandbytes 0.41.2.post2",
    "driver 580.159.04, CUDA 13.0, kernel 6.8.0-45-generic",
    "nvidia_cublas_cu12-12.8.4.1-py3-none-manylinux_2_27_x86_64.whl",
    "nvidia-curand-cu12==10.3.9.90",
    "nvidia-curand-cu12 10.3.9.90 (from torch)",
    "needs 10.3.9.90, found 10.3.5.147",
    "10.3.9.90",
    "libcudnn.so.9.1.0.70 and libnvidia-ml.so.580.159.04",
    "setuptools 12.0.0.1, version 82.3.4.5",
    "b7a520dfe3c14c7d0c1e5a6b8f9d0e1a2b3c4d5e",
    "listening on 127.0.0.1:8080 and [::1]:8080",
    "http://localhost:8080/x and http://127.0.0.1/x",
    "https://download.pytorch.org/whl/cu128/torch-2.13.0%2Bcu128-cp311-cp311-linux_x86_64.whl",
    "https://conda.anaconda.org/conda-forge/linux-64/python-3.11.15-h0.conda",
    "https://huggingface.co/docs/peft, https://github.com/huggingface/peft/issues/1234#issuecomment-5678",
    "${RIGFIT_WHEELS}/packages/ab/cd/" + "0" * 60 + "/peft-0.21.0-py3-none-any.whl",
    "/usr/lib/python3.11/site-packages/torch/nn/modules/linear.py",
    "/root/.local/share/rigfit/envs/current-cpu-02e45387/bin/python",
    "torch 2.0.1 was built with cu118; NVIDIA TITAN RTX, NVIDIA H100 80GB HBM3",
    "ImportError: cannot import name 'HybridCache' from 'transformers'",
    "pad_token=<pad>, eos_token: </s>, max_new_tokens=50, tokens_per_second: 3.5",
    "use_auth_token=True, token=None, password=None",
    "SyntaxError: invalid token: expected a comma",
    "std::vector<int>::size() and aten::add.Tensor and c10::Error",
    "undefined symbol: _ZN2at4_ops10zeros_like4callERKNS_6TensorEN3c108optionalINS5_10ScalarTypeEEENS6_INS5_6LayoutEEE",
    "0000:01:00.0 at 12:30:45 on 2026-11-22T09:30:00+00:00",
    "root may do that; process 1 of root (Xorg) holds 12.0 MiB",
    "actions/checkout@v4.1.2, torch@2.0.1",
    "numpy~=1.26 and 1.2~rc1",
    "threading.local, torch.distributed.elastic",
    "abc and false stay: they are too short or too plain to be known as secrets",
    "hopper, ada and titan are GPUs",
    "PWD=/usr and OLDPWD=/tmp",
    "GPU 0, GPU-accelerated, MIG-capable",
    '{"compute_capability": "9.0", "memory_total": 85520809984}',
    "python -u train.py, host memory, host: none, login shell",
    "conda.anaconda.org cannot be reached",
    "hf_quantizer.preprocess_model(hf_deepspeed_config), hf_transfer and _is_hf_initialized",
    "a sentence with a colon: and (brackets), [more] and 'quotes'",
]


@pytest.mark.parametrize("text", INNOCENT, ids=[text[:40] for text in INNOCENT])
def test_what_a_failure_hangs_on_stays(text: str) -> None:
    assert redacted(text) == text


def test_the_same_is_called_the_same() -> None:
    texts = ["/home/alice/a", "alice and /home/carol", "carol, gpubox, gpubox.lab.corp.test", "https://x.acme.test/a"]
    redactor = Redactor(KNOWN.learned(texts))
    assert [redactor.text(text) for text in texts] == [
        "/home/<user>/a",
        "<user> and /home/<user-2>",
        "<user-2>, <host>, <host>",
        "https://<host-2>/a",
    ]
    assert redactor.removed == {"user": 2, "host": 2}


def test_a_name_of_two_letters_is_a_word_in_english_and_a_name_in_chinese() -> None:
    redactor = Redactor(Private(users=("jo", "李雷")))
    assert redactor.text("jo is a prefix; 李雷 said so") == "jo is a prefix; <user> said so"


def test_gpus_stay_apart_and_a_short_uuid_is_that_of_the_long_one() -> None:
    redactor = Redactor(Private())
    one, two = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", "GPU-11111111-d72c-4106-c12f-20bd9faed9f6"
    assert redactor.text(f"{one} {two} {one} GPU-8932f937") == "GPU-<1> GPU-<2> GPU-<1> GPU-<1>"
    assert redactor.removed == {"gpu": 2}


def test_a_home_that_is_no_persons_folder_keeps_its_parent_alone() -> None:
    assert redacted("/nfs/u4711/x and /nfs/u47110/x") == "/nfs/<user>/x and /nfs/u47110/x"


def test_json_keeps_its_keys_numbers_and_form() -> None:
    value = {
        "token": "q1w2",
        "user": "torch",
        "versions": {"nvidia-curand-cu12": "10.3.9.90"},
        "host": "10.0.0.7",
        "gpus": [{"uuid": "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", "memory": 3, "mig": None, "fits": True}],
        "HF_TOKEN": "",
    }
    made = Redactor(KNOWN).json(value)
    assert json.loads(json.dumps(made)) == {
        "token": "<token>",
        "user": "<user>",
        "versions": {"nvidia-curand-cu12": "10.3.9.90"},
        "host": "<host>",
        "gpus": [{"uuid": "GPU-<1>", "memory": 3, "mig": None, "fits": True}],
        "HF_TOKEN": "",
    }


def test_what_was_redacted_once_is_left_alone() -> None:
    for text, _ in SECRETS:
        redactor = Redactor(KNOWN.learned([text]))
        once = redactor.text(text)
        assert redactor.text(once) == once


def test_a_secret_in_the_middle_of_anything_is_gone() -> None:
    """Whatever stands around it, as a log has it."""
    chance = random.Random(6)  # noqa: S311 - the same each time
    around = string.ascii_letters + string.digits + " \t\n\"'=:,;/\\()[]{}<>@%&?#._-~|"
    for _ in range(500):
        before, after = ("".join(chance.choices(around, k=chance.randrange(30))) for _ in range(2))
        text = f"{before} https://carol:hunter2hunter2@wheels.acme.test/simple /home/carol {after}"
        made = redacted(text, Private(hosts=("wheels.acme.test",), secrets=("hunter2hunter2",), users=("carol",)))
        assert not re.search(r"hunter2|acme|carol", made, re.IGNORECASE), text


@pytest.mark.parametrize(
    "piece", ["a", "a:", "a.", "a-", "-", "/", "1.", "0:", "aB1/", "@", "http://a", "~a", "key=", "\\"]
)
def test_no_text_takes_long(piece: str) -> None:
    started = time.monotonic()
    redacted(piece * (100_000 // len(piece)))
    assert time.monotonic() - started < 5
