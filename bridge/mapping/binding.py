"""One control with its rules on every layer: which of them a message reaches, and which layer it switches."""

from __future__ import annotations

__all__ = ["Binding", "LayerState", "bindings_of"]

from collections.abc import Iterable, Sequence

from bridge.mapping.rules import Control, Layer, MappingFile, Rule, Source
from bridge.mapping.slots import Reading, Slot, Values

BASE = ""


class LayerState:
    """Which layers of one file are on, the newest last."""

    def __init__(self, layers: Iterable[Layer], before: LayerState | None = None) -> None:
        self.layers = tuple(layers)
        toggled = {layer.name for layer in self.layers if layer.mode == "toggle"}
        known = before is not None and before.layers == self.layers
        # A held layer does not outlive a reload: its button's release would find nobody who knew of the press.
        self.on: tuple[str, ...] = tuple(name for name in before.on if name in toggled) if before and known else ()
        self._members: dict[str, list[Slot]] = {}

    def join(self, layer: str, slots: Iterable[Slot]) -> None:
        """Name slots whose knob changes its job when ``layer`` goes on or off."""
        self._members.setdefault(layer, []).extend(slots)

    def switch(self, layer: Layer, pressed: bool) -> None:
        """A press or release of a layer's button."""
        was = layer.name in self.on
        on = pressed if layer.mode == "hold" else (not was if pressed else was)
        if on == was:
            return
        others = tuple(name for name in self.on if name != layer.name)
        self.on = (*others, layer.name) if on else others
        for slot in self._members.get(layer.name, ()):
            slot.forget()


class Binding:
    """A control and the slots that it feeds.

    While a layer is on, its rules for a control take the place of the control's others; of several layers the
    one switched on last counts. What was pressed on one layer is released there, whatever is on by then.
    """

    __slots__ = ("_by_layer", "_held", "_layers", "control", "file", "numeric", "rules", "source", "switches")

    def __init__(self, file: str, control: Control, slots: Sequence[Slot], layers: LayerState) -> None:
        self.file = file
        self.control = control.name
        self.source: Source = control.source
        self.rules: tuple[Rule, ...] = tuple(slot.rule for slot in slots)
        self.switches = tuple(
            layer for layer in layers.layers if _place(layer.control.source) == _place(control.source)
        )
        self.numeric = bool(self.switches) or any(rule.mode != "direct" for rule in self.rules)
        self._layers = layers
        self._held: dict[str, bool] = {}
        by_layer: dict[str, list[Slot]] = {BASE: []}
        for slot in slots:
            by_layer.setdefault(slot.rule.layer, []).append(slot)
        self._by_layer = {name: tuple(found) for name, found in by_layer.items()}
        for name in self._by_layer:
            if name != BASE:
                layers.join(name, slots)

    def slots_for(self, reading: Reading, values: Values) -> tuple[Slot, ...]:
        """The slots that a message reaches now; switches layers on the way."""
        for layer in self.switches:
            self._switch(layer, reading)
        active = self._active()
        if reading.position <= 0.0 and len(self._by_layer) > 1:
            held = (slot for slots in self._by_layer.values() for slot in slots if slot.down)
            active = (*active, *(slot for slot in held if slot not in active))
        return tuple(slot for slot in active if slot.rule.when is None or _holds(slot, values))

    def _active(self) -> tuple[Slot, ...]:
        for name in reversed(self._layers.on):
            if name in self._by_layer:
                return self._by_layer[name]
        return self._by_layer[BASE]

    def _switch(self, layer: Layer, reading: Reading) -> None:
        pressed = reading.position >= 0.5 or (self.source.kind in ("note", "osc") and reading.position > 0.0)
        if reading.bang and layer.mode == "hold":
            # A bang has no release: it can only turn the layer over.
            pressed = layer.name not in self._layers.on
        if reading.bang or pressed != self._held.get(layer.name, False):
            self._layers.switch(layer, pressed)
        self._held[layer.name] = pressed and not reading.bang


def bindings_of(file: MappingFile, slots: Sequence[Slot], layers: LayerState) -> tuple[Binding, ...]:
    """A binding for every control that does something."""
    by_source: dict[Source, tuple[Control, list[Slot]]] = {}
    for control in (*(layer.control for layer in file.layers), *(rule.control for rule in file.rules)):
        by_source.setdefault(_place(control.source), (control, []))
    for slot in slots:
        by_source[_place(slot.rule.control.source)][1].append(slot)
    return tuple(Binding(file.stem, control, found, layers) for control, found in by_source.values())


def _place(source: Source) -> Source:
    """A source without what its mappings read into it, so that all mappings of a control share one binding."""
    return Source(source.kind, source.number, source.channel, source.address, source.arg)


def _holds(slot: Slot, values: Values) -> bool:
    condition = slot.rule.when
    if condition is None or slot.down:
        return True
    value = values.get(condition.target)
    return value is not None and condition.above < value < condition.below
