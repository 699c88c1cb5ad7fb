"""One template being read: its resources after conditions and globals, and their names and references.

Order of events: the document is loaded, `Fn::ForEach` unrolled, parameters given, resources whose `Condition` is false
left out, globals laid below the rest. Then properties are resolved on demand, each once; a resource that needs its own
name to know its name is a cycle, which ends the reading. Nested stacks are opened when the first of their outputs is
asked for, or at the end of opening.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lanner.local.plan import Where
from lanner.local.template.findings import Findings, did_you_mean, fatal
from lanner.local.template.generated import generated_names
from lanner.local.template.globals import Globals
from lanner.local.template.identities import KINDS, Identity, Place, identify
from lanner.local.template.intrinsics import Resolver
from lanner.local.template.reader import Reader
from lanner.local.template.scope import MISSING, Scope
from lanner.local.template.source import Node, Section, load
from lanner.local.template.substitution import text_of

_FIFO = {"AWS::SQS::Queue": "FifoQueue", "AWS::SNS::Topic": "FifoTopic"}  # their names must end in .fifo
# A function's properties that become other resources: a reference in them makes no circle with the function.
_APART = ("DeploymentPreference", "EventInvokeConfig", "Events", "FunctionUrlConfig", "ProvisionedConcurrencyConfig")
NESTED = ("AWS::Serverless::Application", "AWS::CloudFormation::Stack")


@dataclass(frozen=True)
class Resource:
    """A resource of the template; `raw` are its properties with globals, unresolved."""

    logical_id: str
    type: str
    raw: Section
    section: Section
    where: Where


@dataclass
class Stack:
    """A template with everything that its expressions may refer to. `prefix` is `Child.` in a nested stack."""

    file: Path
    place: Place
    document: Section
    globals: Globals
    findings: Findings
    files: list[Path]
    prefix: str = ""
    resources: dict[str, Resource] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)  # resources whose condition is false
    mistyped: set[str] = field(default_factory=set)  # resources whose type does not exist
    generated: dict[str, str] = field(default_factory=dict)  # SAM's generated name -> its type
    outputs_of: Callable[[str], Mapping[str, str]] | None = None  # of a nested stack, by logical id
    uses: dict[str, set[str]] = field(default_factory=dict)
    _resolver: Resolver | None = None
    _identities: dict[str, Identity] = field(default_factory=dict)
    _identifying: list[str] = field(default_factory=list)
    _properties: dict[str, Section] = field(default_factory=dict)

    def scope_with(self, parameters: Mapping[str, Node], pseudo: Mapping[str, Node], dynamic: Dynamic) -> None:
        """Make the stack able to evaluate expressions."""
        scope = Scope(
            parameters=parameters,
            pseudo=pseudo,
            mappings={},
            conditions={},
            names=self,
            findings=self.findings,
            include=self.include,
            dynamic=dynamic,
        )
        self._resolver = Resolver(scope)

    def set_sections(self) -> None:
        """Let expressions see the document's mappings and conditions, as they are now."""
        scope = self.resolver.scope
        mappings, conditions = self.document.get("Mappings"), self.document.get("Conditions")
        scope.mappings = mappings if isinstance(mappings, Section) else {}
        scope.conditions = conditions if isinstance(conditions, Section) else {}

    @property
    def resolver(self) -> Resolver:
        assert self._resolver is not None, "scope_with() comes first"
        return self._resolver

    def open_resources(self) -> None:
        """Read `Resources`: conditions decide who stays, globals are laid below."""
        declared = self.document.get("Resources")
        if not isinstance(declared, Section) or not declared:
            raise fatal("a template needs `Resources:` with at least one resource", self.document.at("Resources"))
        for logical_id, section in declared.items():
            self._open_resource(logical_id, section, declared.at(logical_id))
        self.generated.update(generated_names(self))

    def _open_resource(self, logical_id: str, section: Node, where: Where) -> None:
        type_ = section.get("Type") if isinstance(section, Section) else None
        if not isinstance(section, Section) or not isinstance(type_, str):
            self.findings.error(self.prefix + logical_id, "a resource is a mapping with a Type", where)
            return
        condition = section.get("Condition")
        resolver = self.resolver.for_resource(self.prefix + logical_id)
        if isinstance(condition, str) and not resolver.condition(condition, section.at("Condition")):
            self.left_out.add(logical_id)
            return
        raw = self.globals.apply(type_, section)
        self.resources[logical_id] = Resource(logical_id, type_, raw, section, where)

    # -- names (the resolver asks)

    def ref(self, logical_id: str, where: Where, asker: str) -> Node:
        identity = self.identity(logical_id, where)
        if identity is None:
            return MISSING
        self.uses.setdefault(asker, set()).add(logical_id)
        return identity.ref

    def attribute(self, logical_id: str, attribute: str, where: Where, asker: str) -> Node:
        referable = f"{logical_id}.{attribute.partition('.')[0]}"
        if referable in self.generated:  # `!GetAtt Hello.Version.Version`
            logical_id, attribute = referable, attribute.partition(".")[2]
        resource = self.resources.get(logical_id)
        if resource and resource.type in NESTED and self.outputs_of:
            self.uses.setdefault(asker, set()).add(logical_id)
            return self._nested_output(resource, attribute, where)
        identity = self.identity(logical_id, where)
        if identity is None:
            return MISSING
        self.uses.setdefault(asker, set()).add(logical_id)
        if attribute in identity.attributes:
            return identity.attributes[attribute]
        type_ = resource.type if resource else self.generated.get(logical_id, "")
        if type_ in KINDS:
            hint = did_you_mean(attribute, identity.attributes)
            self.findings.error(asker, f"{type_} has no attribute '{attribute}'{hint}", where)
        return f"{identity.name}.{attribute}"

    def _nested_output(self, resource: Resource, attribute: str, where: Where) -> Node:
        assert self.outputs_of is not None
        outputs = self.outputs_of(resource.logical_id)
        name = attribute.removeprefix("Outputs.")
        if attribute.startswith("Outputs.") and name in outputs:
            return outputs[name]
        hint = did_you_mean(name, outputs)
        message = f"the nested stack '{resource.logical_id}' has no output '{name}'{hint}"
        self.findings.error(self.prefix + resource.logical_id, message, where)
        return f"{resource.logical_id}.{attribute}"

    def known(self) -> list[str]:
        return [*self.resources, *self.generated]

    def identity(self, logical_id: str, where: Where) -> Identity | None:
        """The identity of a resource or of what SAM generates; None for a name that nobody knows."""
        if logical_id in self._identities:
            return self._identities[logical_id]
        resource = self.resources.get(logical_id)
        if resource is None:
            return self._generated_identity(logical_id, where)
        if logical_id in self._identifying:
            cycle = " -> ".join([*self._identifying[self._identifying.index(logical_id) :], logical_id])
            raise fatal(f"resources need each other's names in a circle: {cycle}", where, logical_id)
        self._identifying.append(logical_id)
        try:
            identity = identify(resource.type, logical_id, self._name_of(resource), self.place)
        finally:
            self._identifying.pop()
        self._identities[logical_id] = identity
        return identity

    def _generated_identity(self, logical_id: str, where: Where) -> Identity | None:
        if logical_id in self.left_out:  # AWS refuses this; the local cloud reads on with the name it would have had
            self.findings.error("", f"'{logical_id}' is left out here by its Condition, but is referred to", where)
            return identify(self._declared_type(logical_id), logical_id, None, self.place)
        type_ = self.generated.get(logical_id)
        if type_ is None:
            return None
        if type_.startswith(("alias ", "version ")):
            _, owner, qualifier = type_.split(" ", 2)
            identity = self.identity(owner, self.resources[owner].where)
            assert identity is not None
            arn = f"{identity.attributes['Arn']}:{qualifier}"
            return Identity(identity.name, arn, {"AliasArn": arn, "Arn": arn, "Version": "1"})
        if type_.startswith("stage "):
            return Identity(type_[6:], type_[6:], {})
        return identify(type_, logical_id, None, self.place)

    def _declared_type(self, logical_id: str) -> str:
        return text_of(self.document["Resources"][logical_id].get("Type", ""))

    def _name_of(self, resource: Resource) -> str | None:
        """The physical name where it is not simply the stack's and the logical id."""
        explicit = self._explicit_name(resource)
        fifo = _FIFO.get(resource.type)
        if explicit is None and fifo and text_of(resource.raw.get(fifo, "")).lower() == "true":
            return f"{self.place.stack}-{resource.logical_id}.fifo"
        return explicit

    def _explicit_name(self, resource: Resource) -> str | None:
        kind = KINDS.get(resource.type)
        raw = resource.raw.get(kind.name) if kind and kind.name else None
        if kind is None or kind.name is None or raw is None:
            return None
        resolver = self.resolver.for_resource(self.prefix + resource.logical_id)
        return text_of(resolver.value(raw, resource.raw.at(kind.name))) or None

    # -- properties

    def properties(self, logical_id: str) -> Reader:
        """A resource's properties, resolved once."""
        resource = self.resources[logical_id]
        name = self.prefix + logical_id
        if logical_id not in self._properties:
            self._properties[logical_id] = self._resolved(resource, name)
        return Reader(self._properties[logical_id], name, self.findings)

    def _resolved(self, resource: Resource, name: str) -> Section:
        """A resource's properties; what SAM moves into resources of its own counts as no use by this one."""
        resolver = self.resolver.for_resource(name)
        own, apart = Section(resource.where), Section(resource.where)
        for key, value in resource.raw.items():
            target = apart if resource.type == "AWS::Serverless::Function" and key in _APART else own
            target.put(key, value, resource.raw.at(key))
        resolved = resolver.value(own, resource.where)
        uses = set(self.uses.get(name, ()))
        moved = resolver.value(apart, resource.where)
        self.uses[name] = uses
        if not isinstance(resolved, Section) or not isinstance(moved, Section):
            return Section(resource.where)
        for key, value in moved.items():
            resolved.put(key, value, moved.at(key))
        return resolved

    def of_type(self, *types: str) -> list[Resource]:
        """The resources of some types, in the template's order."""
        return [resource for resource in self.resources.values() if resource.type in types]

    def include(self, location: str, where: Where) -> Node:
        """The document of an `AWS::Include`; a missing one is a finding and empty."""
        if location.startswith(("s3://", "https://", "http://")):
            self.findings.unsupported("", f"AWS::Include of {location}: only local files are read", where)
            return Section(where)
        file = (self.file.parent / location).resolve()
        if not file.is_file():
            self.findings.error("", f"AWS::Include: there is no file {file}", where)
            return Section(where)
        if file not in self.files:
            self.files.append(file)
        return load(file, self.findings)


Dynamic = Callable[[str, str, Where], str]
