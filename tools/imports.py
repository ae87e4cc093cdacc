"""The import linter's contract that lists what a part of the platform may import, and refuses all else.

The linter's own contracts list what is forbidden: what nobody thought of passes. The lists are in
pyproject.toml, under `[tool.importlinter]`.
"""

from __future__ import annotations

import sys

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class AllowList(Contract):
    """Its modules import the standard library and what it lists; every module below a listed one is meant.

    A name that begins with `!` takes a module, and all below it, out of a list again."""

    type_name = "allow-list"
    modules = fields.ListField(subfield=fields.StringField())
    may_import = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Broken where one of the modules imports what is not listed. Raises ValueError where a list names a
        module of ours that does not exist."""
        modules, allowed = list(self.modules), list(self.may_import)  # type: ignore[call-overload]
        self._require_known(graph, [*modules, *allowed])
        refused = sorted(
            f"{importer} -> {imported}"
            for importer in graph.modules
            if not graph.is_module_squashed(importer) and _listed(importer, modules)
            for imported in graph.find_modules_directly_imported_by(importer)
            if imported.partition(".")[0] not in sys.stdlib_module_names and not _listed(imported, allowed)
        )
        return ContractCheck(kept=not refused, metadata={"refused": refused})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each import that is not allowed."""
        for each in check.metadata["refused"]:
            output.print_error(f"{each} is not in the list of what may be imported there")

    def _require_known(self, graph: ImportGraph, names: list[str]) -> None:
        roots = {module.partition(".")[0] for module in graph.modules if not graph.is_module_squashed(module)}
        for name in (each.removeprefix("!") for each in names):
            if name.partition(".")[0] in roots and name not in graph.modules:
                raise ValueError(f"{self.name}: there is no module {name}")


def _listed(module: str, names: list[str]) -> bool:
    within = [each for each in names if f"{module}.".startswith(f"{each.removeprefix('!')}.")]
    # The longest name decides: `gateway`, `!gateway.rest`, `gateway.rest.problem`.
    return bool(within) and not max(within, key=lambda each: len(each.removeprefix("!"))).startswith("!")
