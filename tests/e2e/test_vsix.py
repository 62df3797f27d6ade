"""The packaged VS Code extension holds what it needs and nothing else."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kibitz.server import __version__

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "vscode-extension"
MACHINE = "machine"
pytestmark = pytest.mark.skipif(not EXTENSION.exists(), reason="the extension's sources are not here")


@pytest.fixture(scope="module")
def vsix() -> Iterator[zipfile.ZipFile]:
    path = EXTENSION / f"kibitz-{__version__}.vsix"
    if not path.exists():
        pytest.skip(f"{path.name} was not built: run `make vsix`")
    with zipfile.ZipFile(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def manifest(vsix: zipfile.ZipFile) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(vsix.read("extension/package.json"))
    return loaded


def test_it_holds_the_bundle_and_its_pages_and_nothing_else(vsix: zipfile.ZipFile) -> None:
    assert sorted(vsix.namelist()) == [
        "[Content_Types].xml",
        "extension.vsixmanifest",
        "extension/LICENSE.txt",
        "extension/changelog.md",
        "extension/dist/NOTICES.txt",
        "extension/dist/extension.js",
        "extension/dist/webview.js",
        "extension/media/activity.svg",
        "extension/media/chat.css",
        "extension/media/icon.png",
        *(f"extension/media/walkthrough/{name}.md" for name in ("ask", "ghost", "index", "model", "search", "server")),
        "extension/package.json",
        "extension/readme.md",
    ]


def test_the_one_for_a_platform_holds_the_same_and_the_wheels(vsix: zipfile.ZipFile) -> None:
    found = [
        path
        for path in (ROOT / "dist").glob(f"kibitz-*-{__version__}.vsix")
        if path.name != Path(vsix.filename or "").name
    ]
    if not found:
        pytest.skip("it was not built: run `make vsix-offline`")
    with zipfile.ZipFile(found[0]) as offline:
        names = set(offline.namelist())
        wheels = {name for name in names if re.fullmatch(r"extension/wheels/[^/]+\.whl", name)}
        assert names - wheels == set(vsix.namelist())
        assert f"extension/wheels/kibitz-{__version__}-py3-none-any.whl" in wheels
        assert len(wheels) > 50
        assert b"TargetPlatform=" in offline.read("extension.vsixmanifest")


def test_it_has_the_version_and_the_licence_of_the_project(vsix: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
    assert manifest["version"] == __version__
    assert manifest["license"] == "Apache-2.0"
    assert vsix.read("extension/LICENSE.txt") == (ROOT / "LICENSE").read_bytes()


def test_it_offers_the_server_s_settings_as_they_are() -> None:
    script = ROOT / "scripts" / "extension_settings.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_it_carries_the_licences_of_what_it_bundles(vsix: zipfile.ZipFile) -> None:
    notices = vsix.read("extension/dist/NOTICES.txt").decode()
    assert "vscode-languageclient" in notices
    assert "Permission is hereby granted" in notices


def test_it_is_small(vsix: zipfile.ZipFile) -> None:
    assert sum(entry.compress_size for entry in vsix.infolist()) < 500_000


def test_every_command_that_is_offered_is_registered(vsix: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
    bundle = vsix.read("extension/dist/extension.js").decode()
    offered = [command["command"] for command in manifest["contributes"]["commands"]]
    assert [command for command in offered if f'"{command}"' not in bundle] == []


def test_a_workspace_cannot_name_a_command_an_endpoint_or_a_model(manifest: dict[str, Any]) -> None:
    settings = manifest["contributes"]["configuration"]["properties"]
    open_to_workspaces = {name for name, setting in settings.items() if setting["scope"] != MACHINE}
    assert open_to_workspaces == {"kibitz.inlineCompletion.enabled", "kibitz.index.ignore"}  # these only narrow


def test_no_setting_holds_a_key(manifest: dict[str, Any]) -> None:
    settings = manifest["contributes"]["configuration"]["properties"]
    assert [name for name in settings if re.search("key|token|secret", name, re.IGNORECASE)] == []


def test_a_workspace_that_is_not_trusted_gets_only_part_of_it(manifest: dict[str, Any]) -> None:
    assert manifest["capabilities"]["untrustedWorkspaces"]["supported"] == "limited"


def test_it_names_no_folder_of_the_machine_that_built_it(vsix: zipfile.ZipFile) -> None:
    text = b"".join(vsix.read(name) for name in vsix.namelist())
    assert str(EXTENSION).encode() not in text
    assert b"sourceMappingURL" not in text


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((EXTENSION / "package-lock.json").read_text())
    packages = [(name, entry) for name, entry in lock["packages"].items() if name]
    assert [name for name, entry in packages if "resolved" in entry] == []
    assert [name for name, entry in packages if not entry.get("integrity") and not entry.get("link")] == []
