"""Where code is: folders, archives, text in the template, layers, and the handler in them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

from lanner.local.plan import CloudPlan
from tests.local.template.templates import SAM, findings, function

Plan = Callable[..., CloudPlan]


def test_inline_code_and_zip_files_become_folders(plan: Plan, tmp_path: Path) -> None:
    """The same folder for the same content, on every start."""
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr("pkg/main.py", "def handler(event, context):\n    return 1\n")
    template = (
        SAM
        + """
Resources:
  Inline:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.13, InlineCode: "def handler(event, context): return 2"}
  Zipped:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.13, CodeUri: code.zip, Handler: pkg.main.handler}
  Raw:
    Type: AWS::Lambda::Function
    Properties: {Runtime: python3.13, Code: {ZipFile: "def handler(event, context): return 3"}, Handler: index.handler}
"""
    )
    made, again = plan(template), plan(template)
    assert made.findings == ()
    assert made.functions == again.functions
    inline, zipped, raw = (made.functions[name] for name in ("Inline", "Zipped", "Raw"))
    assert inline.handler == "index.handler"
    assert (inline.code / "index.py").read_text() == "def handler(event, context): return 2"
    assert (zipped.code / "pkg" / "main.py").is_file()
    assert (raw.code / "index.py").read_text().endswith("return 3")


def test_without_codeuri_the_code_is_the_folder_of_the_template(plan: Plan, tmp_path: Path) -> None:
    """As `sam build` takes it: quick-start projects name their handlers by path and say no CodeUri."""
    template = function("").replace("CodeUri: src", "MemorySize: 512")
    made = plan(template.replace("app.handler", "src/app.handler"))
    assert made.findings == ()
    assert made.functions["F"].code == tmp_path
    lost = plan(template)
    assert [message for _, message in findings(lost)] == [
        f"Handler app.handler: there is no app.py in {tmp_path}; did you mean 'src/app.py'?"
    ]


def test_programs_and_links_of_an_archive_stay_what_they_are(plan: Plan, tmp_path: Path) -> None:
    """As Lambda unpacks them: a program may be run, and a link leads to its file."""
    with zipfile.ZipFile(tmp_path / "tools.zip", "w") as archive:
        for name, content, mode in (("bin/tool", "#!/bin/sh\n", 0o100755), ("bin/link", "tool", 0o120777)):
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, mode << 16
            archive.writestr(entry, content)
        archive.writestr("plain.txt", "x")
    layer = "  L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: tools.zip}}"
    [folder] = plan(function("Layers: [!Ref L]", layer)).functions["F"].layers
    assert os.access(folder / "bin" / "tool", os.X_OK)
    assert (folder / "bin" / "link").resolve() == (folder / "bin" / "tool").resolve()
    assert (folder / "plain.txt").read_text() == "x"


def test_a_layer_is_a_folder_with_python_built_or_by_arn(plan: Plan, tmp_path: Path) -> None:
    """As it is; under python/ where SAM would build it; reported where it is not here or has no python/."""
    template = function(
        """
Layers:
  - !Ref Ready
  - !Ref Sources
  - !Ref Flat
  - arn:aws:lambda:eu-west-1:580247275435:layer:LambdaInsightsExtension:38
""",
        """
  Ready: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/ready}}
  Sources:
    Type: AWS::Serverless::LayerVersion
    Metadata: {BuildMethod: python3.13}
    Properties: {ContentUri: layers/sources}
  Flat: {Type: AWS::Lambda::LayerVersion, Properties: {Content: layers/flat}}
""",
    )
    files = {"layers/ready/python/a.py": "", "layers/sources/b.py": "", "layers/flat/c.py": ""}
    made = plan(template, files)
    ready, sources, flat = made.functions["F"].layers
    assert ready == tmp_path / "layers" / "ready"
    assert (sources / "python" / "b.py").is_file()
    assert flat == tmp_path / "layers" / "flat"
    assert [(level, message.split()[0:2]) for level, message in findings(made)] == [
        ("unsupported", ["layer", "arn:aws:lambda:eu-west-1:580247275435:layer:LambdaInsightsExtension:38"]),
        ("error", ["Content", "layers/flat"]),
    ]


def test_a_layer_of_programs_or_data_is_right_as_it_is(plan: Plan) -> None:
    """It goes to /opt; of extensions the start says that nothing starts them."""
    template = function(
        "Layers: [!Ref Tools, !Ref Agent]",
        """
  Tools: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: tools}}
  Agent: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: agent}}
""",
    )
    made = plan(template, {"tools/bin/tool": "", "tools/model.bin": "", "agent/extensions/agent": ""})
    assert len(made.functions["F"].layers) == 2
    assert findings(made) == [("unsupported", "ContentUri agent has extensions/: extensions are not started")]


def test_a_handler_may_be_in_a_layer_a_package_or_a_path(plan: Plan) -> None:
    """Wherever Lambda would find it."""
    template = function("Layers: [!Ref L]", "  L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: l}}")
    files = {"l/python/wrapper.py": "def handle(e, c): ...", "src/pkg/__init__.py": "from x import handle"}
    for handler in ("wrapper.handle", "pkg.handle", "deep/er.handle", "deep.er.handle"):
        made = plan(template.replace("app.handler", handler), {**files, "src/deep/er.py": "handle = print"})
        assert made.findings == ()
