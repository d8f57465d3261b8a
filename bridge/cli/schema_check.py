"""What a show asks of Scope, held against the pipelines' schemas (issue 3 part 3)."""

from __future__ import annotations

__all__ = ["check_against", "find_catalogue"]

import asyncio
import os
from collections.abc import Iterable, Iterator
from typing import Final

from bridge.config import cache_directory
from bridge.mapping import MappingSet
from bridge.model.document import suggest
from bridge.model.errors import Issue, ScopeError
from bridge.model.facts import ParamSpec, PipelineSchema
from bridge.model.fit import RUNTIME_PARAMS, Unfit, fit
from bridge.scope.api import ScopeApi
from bridge.scope.catalogue import Catalogue, SchemaStore, catalogue_of, shipped_catalogue
from bridge.scope.settings import LoadParams, ScopeSettings

ASK_S: Final = 3.0
_LOCAL: Final = frozenset({"prompt_weight", "transition_s", "paused"})
_LOADED: Final = frozenset({*LoadParams.model_fields, "seed", "vae_type", "loras", "lora_merge_mode"})


def find_catalogue(settings: ScopeSettings, *, offline: bool) -> tuple[Catalogue, str]:
    """The schemas to check against, and a note on why they are not the server's; empty when they are."""
    store = SchemaStore(cache_directory(os.environ) / "schemas")
    note = ""
    if not offline and settings.urls:
        try:
            return asyncio.run(_ask(settings.urls[0], store)), ""
        except ScopeError as error:
            note = error.message
    return store.recall() or shipped_catalogue(), note


async def _ask(url: str, store: SchemaStore) -> Catalogue:
    async with ScopeApi(url, timeout=ASK_S) as api:
        health = await api.health()
        return await catalogue_of(api, health.version, store)


def check_against(catalogue: Catalogue, settings: ScopeSettings, mappings: MappingSet) -> list[Issue]:
    """Everything in configuration and mappings that the pipelines would not take."""
    schema = catalogue.schemas.get(settings.pipeline)
    issues: list[Issue] = []
    if settings.pipeline and schema is None and catalogue.source != "shipped":
        known = suggest(settings.pipeline, catalogue.schemas)
        issues.append(_wrong("scope.pipeline", f'there is no pipeline "{settings.pipeline}".', known))
    if schema is not None:
        issues += _mode_and_load(schema, settings)
    issues += _mapped(catalogue, mappings)
    return issues


def _wrong(where: str, message: str, hint: str) -> Issue:
    return Issue("config", None, where, message, hint)


def _mode_and_load(schema: PipelineSchema, settings: ScopeSettings) -> Iterator[Issue]:
    if settings.input_mode not in schema.modes:
        hint = f"It has {' and '.join(schema.modes)}."
        yield _wrong("scope.input_mode", f"{schema.id} knows no {settings.input_mode} mode.", hint)
    for name, value in settings.load_params.model_dump(exclude_none=True).items():
        spec = schema.params.get(name)
        where = f"scope.load_params.{name}"
        if spec is None and name not in _LOADED:
            hint = suggest(name, {*_LOADED, *(p.name for p in schema.params.values() if p.load_only)})
            yield _wrong(where, f"{schema.id} is not loaded with this.", hint)
        elif spec is not None and (why := _unfit(spec, value)):
            yield _wrong(where, f"{schema.id} does not take {value!r}: {why}.", _range(spec))


def _mapped(catalogue: Catalogue, mappings: MappingSet) -> Iterator[Issue]:
    for file in mappings.files:
        for rule in file.rules:
            kind, _, name = rule.target.partition("/")
            if kind != "param" or name in _LOCAL:
                continue
            specs = [schema.params[name] for schema in catalogue.schemas.values() if name in schema.params]
            known = specs or [RUNTIME_PARAMS[name]] if name in RUNTIME_PARAMS else specs
            if not known:
                if catalogue.source != "shipped":  # what ships knows no plugins
                    everything = {*RUNTIME_PARAMS, *(n for s in catalogue.schemas.values() for n in s.params)}
                    yield Issue(file.path, None, rule.target, "no pipeline has this.", suggest(name, everything))
                continue
            for value in (*(rule.output.range or ()), *rule.output.values):
                reasons = [_unfit(spec, value) for spec in known]
                if all(reasons):
                    yield Issue(file.path, None, rule.target, f"cannot be {value!r}: {reasons[0]}.", _range(known[0]))


def _unfit(spec: ParamSpec, value: object) -> str:
    """Why a parameter does not take a value as it is; empty when it does."""
    try:
        fitted = fit(spec, value)
    except Unfit as error:
        return str(error)
    if isinstance(value, int | float) and not isinstance(value, bool) and spec.type == "number" and fitted != value:
        return "outside its range"
    if isinstance(value, int | float) and spec.type == "integer" and abs(fitted - value) > 0.5:
        return "outside its range"
    return ""


def _range(spec: ParamSpec) -> str:
    if spec.choices:
        return f"It takes {_listed(spec.choices)}."
    if spec.type not in ("number", "integer") or (spec.minimum is None and spec.maximum is None):
        return f"It takes a {spec.type}."
    low = "" if spec.minimum is None else f" from {spec.minimum:g}"
    high = "" if spec.maximum is None else f" up to {spec.maximum:g}"
    return f"It takes a {spec.type}{low}{high}."


def _listed(choices: Iterable[object]) -> str:
    return ", ".join(map(str, choices))[:120]
