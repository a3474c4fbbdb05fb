"""The values of a finished run's nodes, from its store, by the keys and digests in its lock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field

from flowlab.api import ExperimentError, NodeError, Problem, Result
from flowlab.engine.cache.cache import is_trained
from flowlab.engine.cache.content_digests import ContentDigests
from flowlab.engine.cache.serialization import SerializedResult, deserialize, deserialize_without_inputs
from flowlab.engine.cache.storable_classes import StorableClasses
from flowlab.engine.cache.store import STORE_VARIABLE, Store
from flowlab.engine.cache.tensor_file import SCHEMA, TensorFile, UnusableFile, read_labels, read_tensor_file
from flowlab.engine.format_error import format_error
from flowlab.engine.inputs import gather_inputs
from flowlab.engine.missing_value import MissingValue
from flowlab.engine.node_runner import NodeRunner
from flowlab.engine.numerics import pin_numerics
from flowlab.engine.progress.quiet import QuietListener
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node
from flowlab.provenance.lock_content import LockedNode
from flowlab.provenance.lock_file import LockFile
from flowlab.provenance.summary import NodeSummary, RunSummary
from flowlab.registry.registry import Registry

if TYPE_CHECKING:
    import torch

_QUICK = 1.0  # seconds up to which a result is built again where it isn't stored
_HELD = 16  # results in memory: several nodes have the same inputs


@define(eq=False)
class StoredValues:
    """Values by node: each is the one that the run had, or is refused.

    A stored file is read by the key in the lock, and its digest must be the lock's. A value that isn't stored
    because it is quick to build, or because it is a figure, is built again, and must have the lock's digest. What
    is built of a file is refused where the file has changed since the run; what is stored needs no file.
    """

    lock: LockFile
    summary: RunSummary
    store: Store
    _held: OrderedDict[Node, Result] = field(factory=OrderedDict, init=False)

    def of(self, node_id: str) -> Any:
        """The value of a finished node. Raises ExperimentError, NodeError, PluginError."""
        node = next((node for node in self._graph.nodes if node.id == node_id), None)
        if node is None:
            raise self._refuse(f"its experiment has no node {node_id} with today's components")
        return self.value(node)

    def value(self, node: Node) -> Any:
        """What others receive of the node. Raises ExperimentError, NodeError."""
        return self._result(node).value if node.kind.built else node.component

    def metrics(self, node: Node) -> Mapping[str, Any]:
        """The node's metrics. Raises ExperimentError, NodeError."""
        return self._result(node).metrics if node.kind.built else {}

    @cached_property
    def _graph(self) -> Graph:
        graph = self.lock.graph(Registry.installed(), run_checks=False)
        return evolve(graph, settings=evolve(graph.settings, threads=self.lock.environment.threads))

    @cached_property
    def _device(self) -> torch.device:
        """The run's, or the CPU where there is none like it."""
        import torch

        available = torch.cuda.is_available()
        return torch.device("cuda" if self.lock.environment.device == "cuda" and available else "cpu")

    def _result(self, node: Node) -> Result:
        result = self._held.pop(node, None) or self._read(node)
        self._held[node] = result
        while len(self._held) > _HELD:
            self._held.popitem(last=False)
        return result

    def _read(self, node: Node) -> Result:
        locked = self.lock.nodes.get(node.id)
        if locked is None or locked.status in ("failed", "skipped"):
            raise self._refuse(f"it says of no result of {node.id}")
        return self._load(node, locked) or self._build(node, locked)

    def _load(self, node: Node, locked: LockedNode) -> Result | None:
        """The stored result; None where the store has none, or has it without its value."""
        if locked.key is None:
            return None
        path = self.store.path(locked.key)
        try:
            content = read_tensor_file(path, locked.key)
            if read_labels(path).get("schema") != str(SCHEMA):  # the key in the lock may be of an older one
                raise UnusableFile("written by a version of flowlab with another store")
            if content.labels.get("digest") != locked.digest:
                raise UnusableFile(f"another result than that of {self.lock.path}")
            result = self._deserialize(node, content)
        except FileNotFoundError:
            return None
        except UnusableFile as error:
            raise ExperimentError([Problem(str(path), f"refused as the value of {node.id}: {error}")]) from error
        return None if isinstance(result.value, MissingValue) else result

    def _deserialize(self, node: Node, content: TensorFile) -> Result:
        """The result that a file holds; its node's inputs are only read where it refers to them."""
        stored, classes = SerializedResult(content.labels["result"], content.tensors), StorableClasses(node)
        try:
            result = deserialize_without_inputs(stored, self._device, classes)
            if isinstance(result.value, MissingValue) and result.value.type == "of inputs":
                result = deserialize(stored, gather_inputs(node, self), self._device, classes)
        except (ValueError, TypeError, KeyError) as error:  # of a constructor
            raise UnusableFile(format_error(error)) from error
        return result

    def _build(self, node: Node, locked: LockedNode) -> Result:
        """The result built again, where that is quick."""
        former = self.summary.built_nodes.get(node.id)
        if node.kind.name != "figure" and (is_trained(node) or not _is_quick(former)):
            remedy = f"name the folder that has it in {STORE_VARIABLE}, or compute it with 'flowlab rerun'"
            raise self._refuse(f"the value of {node.id} is not stored in {self.store.folder}: {remedy}")
        given = gather_inputs(node, self)
        digests = ContentDigests.of_files(self.lock.digests_of_files(self._graph.folder))
        runner = NodeRunner.of(self._graph, self._device, QuietListener(), digests=digests)
        with pin_numerics(self.lock.environment.threads):
            record, _ = runner.compute(node, given)
        if record.result is None:
            raise NodeError(f"{node.id} can't be built again: {record.message}")
        if (record.digest or None) != locked.digest:
            rule = f"{node.id}, built again here, is another result than the run's: its digest differs"
            raise self._refuse(f"{rule} ('flowlab verify' tells what has changed since)")
        return record.result

    def _refuse(self, rule: str) -> ExperimentError:
        return ExperimentError([Problem(str(self.lock.path), rule)])


def _is_quick(former: NodeSummary | None) -> bool:
    """Whether the run computed it in no time; the time of a result that it reused says nothing."""
    return former is not None and not former.reused and former.seconds < _QUICK
