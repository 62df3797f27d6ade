"""The rules that keep a file out of the index by its name and size, each with a name that can be asked for.

A file is kept out because it says nothing of its own (lock files, minified and generated code), because it is no
source (binaries, data), or because it must not be shown to a model (secrets). Rules on a file's content stand in
read.py, since the content of an unchanged file is not read again.
"""

import re
from functools import lru_cache


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


VENDORED = _words("""
    .git .hg .svn .bzr .jj node_modules bower_components jspm_packages __pycache__ __pypackages__ site-packages
    .venv .tox .nox .eggs .mypy_cache .pytest_cache .ruff_cache .hypothesis .ipynb_checkpoints .gradle .terraform
    .serverless .next .nuxt .svelte-kit .parcel-cache .turbo .angular .yarn .pnpm-store .cache .direnv .dart_tool
    .stack-work dist-newstyle .elixir_ls .bloop .metals .bundle Pods Carthage DerivedData .swiftpm .vs .idea
    zig-cache .zig-cache
""")
"""Folders that hold what a tool fetched or made, never what was written here."""

_NAMES = {
    "lock": _words("""
        package-lock.json npm-shrinkwrap.json pnpm-lock.yaml bun.lockb conda-lock.yml go.sum go.work.sum
        package.resolved cartfile.resolved cabal.project.freeze packages.lock.json project.assets.json
        gradle.lockfile lazy-lock.json .terraform.lock.hcl
    """),
    "secret": _words("""
        .env .envrc id_rsa id_dsa id_ecdsa id_ed25519 id_ecdsa_sk id_ed25519_sk .netrc _netrc .pgpass .my.cnf .pypirc
        .npmrc .yarnrc .htpasswd .git-credentials .dockercfg .dockerconfigjson credentials credentials.json kubeconfig
        .vault_pass .vault-pass .s3cfg .boto
    """),
}

_EXTENSIONS = {
    "secret": _words("pem key p12 pfx pkcs12 jks keystore kdbx ppk ovpn gpg pgp env tfvars tfstate kubeconfig"),
    "lock": _words("lock"),
    "binary": _words("""
        png jpg jpeg gif bmp ico icns webp avif tif tiff psd ai eps heic raw xcf sketch fig cur ani
        mp3 mp4 m4a m4v wav flac ogg oga ogv webm avi mov mkv aac aiff wma wmv mid midi
        ttf otf woff woff2 eot pfb
        zip gz tgz bz2 tbz xz txz zst lz4 lzma br 7z rar tar jar war ear aar apk ipa deb rpm dmg iso img pkg msi cab
        whl egg nupkg snupkg gem crx xpi vsix asar
        exe dll so dylib a lib o obj ko elf bin com class pyc pyo pyd beam wasm pdb ilk dsym node rlib rmeta hi dyn_o
        pdf doc docx xls xlsx ppt pptx odt ods odp numbers pages epub mobi chm
        db sqlite sqlite3 mdb accdb dbf parquet arrow feather orc avro lance rdb
        npy npz pkl pickle pt pth ckpt safetensors onnx tflite pb h5 hdf5 mat gguf ggml joblib rds rdata
        dat swf fla blend fbx glb stl 3ds max unitypackage pak snk nib mo gmo qm
    """),
    # Text, but tables, translations, recordings or drawings.
    "data": _words("""
        csv tsv tab psv po pot xlf xliff resx strings stringsdict arb svg svgz drawio excalidraw plist
        ipynb geojson topojson ndjson jsonl log out trace snap lst sum
    """),
    # Settings and prose while they are small, data once they are large.
    "bulky": _words("json jsonc json5 xml xsd yaml yml html htm sql txt text css toml md rst"),
}

BULKY_BYTES = 256_000
"""From here on a file in one of the formats that also hold data is taken for data."""

_PATTERNS = {
    "secret": r"""
        \.env\.(?!example$|sample$|template$|dist$|defaults?$|schema$).*
      | client_secrets?.*\.json | service[-_]account.*\.json | secrets?\.(?:ya?ml|json|toml|ini|properties)
      | .*\.tfstate\..*
    """,
    "generated": r"""
        .*\.pb\.(?:go|cc|h|swift|dart|rs|gw\.go) | .*_pb2(?:_grpc)?\.pyi? | .*_pb\.(?:js|ts|rb|d\.ts)
      | .*_grpc\.pb\..* | .*\.(?:g|freezed|mocks)\.dart | .*\.designer\.(?:cs|vb) | .*\.g\.(?:i\.)?cs
      | .*[._-]generated\.[a-z0-9]+ | zz_generated.* | .*\.gen\.(?:go|tsx?|js|py|rs)
      | moc_.*\.cpp | qrc_.*\.cpp
    """,
    "minified": r"""
        .*[.-]min\.(?:js|mjs|cjs|css|html?) | .*\.(?:js|mjs|cjs|css|ts)\.map | .*\.(?:bundle|chunk)\.(?:js|css)
    """,
}

_BY_NAME = {name: rule for rule, names in _NAMES.items() for name in names}
_BY_EXTENSION = {extension: rule for rule, extensions in _EXTENSIONS.items() for extension in extensions}
_BY_PATTERN = re.compile("|".join(f"(?P<{rule}>{text})$" for rule, text in _PATTERNS.items()), re.VERBOSE)
# One of these is in each name with a single dot that a pattern means: few names need the slow look.
_HINTS = ("_pb", "secret", "service", "generated", "moc_", "qrc_", "-min.")


def rule_by_name(name: str, size: int, max_bytes: int) -> str:
    """The rule that keeps out a file of this name (without its folder) and size in bytes; "" for none."""
    rule = _by_name(name.lower())
    if rule == "bulky":
        rule = "data" if size > BULKY_BYTES else ""
    return rule or ("size" if size > max_bytes else "")


@lru_cache(maxsize=65_536)
def _by_name(name: str) -> str:
    if rule := _BY_NAME.get(name):
        return rule
    if (name.count(".") > 1 or any(hint in name for hint in _HINTS)) and (match := _BY_PATTERN.match(name)):
        return match.lastgroup or ""
    return _BY_EXTENSION.get(name.rpartition(".")[2], "") if "." in name else ""
