"""What the client at the other end can do, read once from its capabilities."""

from dataclasses import dataclass

from lsprotocol import types as lsp


@dataclass(frozen=True, slots=True)
class ClientFeatures:
    """The capabilities that change what we send."""

    inline_completion: bool = False
    apply_edit: bool = False
    document_changes: bool = False
    change_annotations: bool = False
    creates_files: bool = False
    renames_files: bool = False
    refreshes_lenses: bool = False
    work_done_progress: bool = False
    configuration: bool = False
    configuration_registration: bool = False


def client_features(capabilities: lsp.ClientCapabilities) -> ClientFeatures:
    """Read a client's capabilities; what it does not mention it does not have."""
    text, workspace, window = capabilities.text_document, capabilities.workspace, capabilities.window
    changes = workspace.did_change_configuration if workspace else None
    edits = workspace.workspace_edit if workspace else None
    operations = edits.resource_operations or () if edits and edits.document_changes else ()
    return ClientFeatures(
        inline_completion=bool(text and text.inline_completion),
        apply_edit=bool(workspace and workspace.apply_edit),
        document_changes=bool(edits and edits.document_changes),
        change_annotations=bool(edits and edits.change_annotation_support),
        creates_files=lsp.ResourceOperationKind.Create in operations,
        renames_files=lsp.ResourceOperationKind.Rename in operations,
        refreshes_lenses=bool(workspace and workspace.code_lens and workspace.code_lens.refresh_support),
        work_done_progress=bool(window and window.work_done_progress),
        configuration=bool(workspace and workspace.configuration),
        configuration_registration=bool(changes and changes.dynamic_registration),
    )
