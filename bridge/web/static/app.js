"use strict";
// Shows /api/v1/events and posts what is pressed. It keeps no state of its own but what a hand is holding.
const $ = (id) => document.getElementById(id);
const held = new Set();
let status = null, statusAt = 0;

function element(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function put(parent, ...children) { parent.replaceChildren(...children.filter(Boolean)); }

function post(path, body) {
  return fetch("/api/v1/" + path, { method: "POST", headers: { "Content-Type": "application/json" },
    body: body === undefined ? "" : JSON.stringify(body) });
}

// A row and, under it, its note where there is one.
function row(dot, name, value, note, urgent) {
  const line = element("tr"), first = element("td");
  first.append(element("span", "", "dot " + dot), name);
  line.append(first, element("td", value));
  if (!note) return [line];
  const under = element("tr", undefined, urgent ? "note warn" : "note"), cell = element("td", note);
  cell.colSpan = 2;
  under.append(cell);
  return [line, under];
}

const level = { open: "good", listening: "good", running: "good", live: "good", ended: "warn", waiting: "warn", off: "idle" };
const short = (value) => typeof value === "number" ? String(Math.round(value * 1000) / 1000)
  : Array.isArray(value) ? value.map(short).join(", ") : typeof value === "boolean" ? (value ? "on" : "off") : String(value);
const words = (name) => name.replaceAll("_", " ");
const count = (number, one, many) => number + " " + (number === 1 ? one : many);

const within = (value) => Math.min(1, Math.max(0, value || 0));
const onMeter = (db) => typeof db === "number" ? within(1 + db / 60) : 0;
const bandNames = ["sub", "bass", "low mid", "mid", "upper mid", "presence", "brilliance", "air"];
const bandEdges = ["20", "60", "150", "400", "1k", "2.5k", "5k", "9k", "16k"];

const inputNotes = { silent: "silent", offset: "DC offset", broken: "broken samples" };

// Nodes for a list whose length seldom changes are made once.
function nodes(box, number, make) {
  if (box.children.length !== number) put(box, ...Array.from({ length: number }, (_, index) => make(index)));
  return box.children;
}

function showLevel(audio) {
  const [bar, peak] = $("vu").firstElementChild.children, db = audio.level_db, peakDb = audio.peak_db;
  bar.style.clipPath = `inset(0 ${100 - 100 * onMeter(db)}% 0 0)`;
  peak.style.left = 100 * onMeter(peakDb) + "%";
  peak.hidden = !(peakDb > -60);
  const verdict = audio.clipping ? "CLIP" : db === null ? "" : inputNotes[audio.input_state] || (audio.gated ? "quiet"
    : typeof peakDb !== "number" ? "" : peakDb > -1 ? "hot" : peakDb < -36 ? "faint" : "");
  $("vu").className = audio.clipping ? "clip" : "";
  $("db").textContent = db === null ? "" : `${Math.round(db)} dB` + (typeof peakDb === "number" ? ` · peak ${Math.round(peakDb)}` : "");
  $("audio").textContent = [audio.source, audio.state, verdict, audio.overflows ? audio.overflows + " lost" : ""].filter(Boolean).join(" · ");
}

function showSpectrum(audio) {
  const bands = audio.bands8 || Object.values(audio.bands);
  const columns = nodes($("spectrum"), bands.length, (index) => {
    const column = element("div"), well = element("div");
    well.append(element("i"));
    column.append(well, element("span", bands.length === 8 ? bandEdges[index] : Object.keys(audio.bands)[index]));
    if (bands.length === 8) column.title = `${bandNames[index]}, ${bandEdges[index]} to ${bandEdges[index + 1]} Hz`;
    return column;
  });
  bands.forEach((value, index) => { columns[index].firstChild.firstChild.style.transform = `scaleY(${within(value)})`; });
}

function showDrums(audio) {
  const lamps = [...Object.entries(audio.drums || {}), ["chord", audio.harmonic_change]];
  $("drums").hidden = audio.drums === undefined;
  const boxes = nodes($("drums"), lamps.length, (index) => {
    const lamp = element("div");
    lamp.append(element("i"), element("span", lamps[index][0]));
    return lamp;
  });
  lamps.forEach(([, value], index) => { boxes[index].firstChild.style.opacity = within(value).toFixed(2); });
}

function showPart(audio) {
  const box = $("part"), section = audio.section;
  box.hidden = section === undefined;
  box.className = section || "";
  box.firstElementChild.textContent = !section || section === "none" ? "part unknown" : section.replace("_", "-");
  box.querySelector("i").style.transform = `scaleX(${within(audio.build_up)})`;
}

function showSound(audio) {
  showLevel(audio); showSpectrum(audio); showDrums(audio); showPart(audio);
  const meters = ["energy", "brightness", "texture"];
  const lines = nodes($("meters"), meters.length, (index) => {
    const line = element("div", undefined, "meter"), bar = element("div");
    bar.append(element("i"));
    line.append(element("span", meters[index]), bar, element("span"));
    return line;
  });
  meters.forEach((name, index) => {
    lines[index].children[1].firstChild.style.transform = `scaleX(${within(audio[name])})`;
    lines[index].children[2].textContent = Math.round(audio[name] * 100);
  });
}

const clockNames = { midi_clock: "MIDI clock", link: "Link", osc: "OSC", os2l: "OS2L", tap: "tap", audio: "audio" };
const clockNotes = { leads: "leads", held: "fell silent; its tempo is held", steady: "steady, ready to lead", unsteady: "not steady yet", silent: "silent" };

function showTempo(tempo) {
  $("bpm").textContent = tempo.bpm === null ? "–" : tempo.bpm.toFixed(1);
  $("source").textContent = tempo.source === "none" ? "no tempo" : "from " + (clockNames[tempo.source] || tempo.source);
  const sd = tempo.next_beat_sd_ms;
  $("confidence").textContent = tempo.bpm === null ? "" : Math.round(tempo.confidence * 100) + " % sure";
  $("spread").textContent = tempo.bpm === null || typeof sd !== "number" ? "" : `± ${sd < 10 ? sd.toFixed(1) : Math.round(sd)} ms`;
  const bar = tempo.bar_confidence;
  $("beats").title = tempo.bpm === null ? "" : `Bar ${tempo.bar + 1}` + (typeof bar === "number" ? `, its first beat ${Math.round(bar * 100)} % sure` : "");
  nodes($("beats"), tempo.beats_per_bar || 4, () => element("i"));
  const clocks = Object.entries(tempo.sources || {});
  const chips = nodes($("clocks"), clocks.length, () => element("span"));
  clocks.forEach(([name, said], index) => {
    const chip = chips[index], name_ = clockNames[name] || name;
    chip.className = said.state;
    chip.textContent = said.bpm === null || said.state === "leads" ? name_ : `${name_} ${said.bpm.toFixed(1)}`;
    chip.title = (clockNotes[said.state] || said.state)
      + (said.bpm === null ? "" : `, ${said.bpm.toFixed(1)} BPM` + (typeof said.sd_ms === "number" ? ` ± ${said.sd_ms} ms` : ""));
  });
}

function showQuantize(q) {
  const next = q.waiting[0], last = q.last;
  $("quantize").textContent = q.mode === "none" ? "" : "changes on the " + q.mode.replace("_", " ")
    + (next ? ` · ${next.what} in ${(next.in_ms / 1000).toFixed(1)} s`
      : last ? ` · last ${last.residual_ms >= 0 ? "+" : ""}${Math.round(last.residual_ms)} ± ${Math.round(last.within_ms)} ms` : "");
}

function showThemes(s) {
  const box = $("themes"), themes = s.themes || [];
  if (box.dataset.known !== JSON.stringify(themes)) {
    box.dataset.known = JSON.stringify(themes);
    put(box, ...themes.map((theme) => {
      const button = element("button", theme.name);
      button.dataset.slug = theme.slug;
      button.title = theme.description;
      button.onclick = () => post("targets", { theme: theme.slug });
      return button;
    }));
  }
  for (const button of box.children) button.classList.toggle("on", button.dataset.slug === s.theme);
  $("about").textContent = (themes.find((theme) => theme.slug === s.theme) || {}).description || "";
}

// One line: which picture the avatar holds, a button for each, and the way over to the other input mode.
function showAvatar(s) {
  const box = $("avatar"), avatar = s.avatar || { references: [] };
  const known = JSON.stringify([avatar, s.scope.mode]);
  if (box.dataset.known === known) return;
  box.dataset.known = known;
  const button = (text, title, call) => {
    const found = element("button", text);
    found.title = title;
    found.onclick = call;
    return found;
  };
  const other = s.scope.mode === "video" ? "text" : "video";
  put(box, button("To " + other, "The outputs hold the picture meanwhile", () => post("actions/mode_toggle")));
  if (!avatar.references.length) return;
  for (const name of avatar.references) {
    const choice = button(name, "Hold this reference picture", () => post("targets", { "avatar/reference": name }));
    choice.classList.toggle("on", name === avatar.reference);
    box.append(choice);
  }
  const held = avatar.active ? `held at ${avatar.scale.toFixed(2)}` : avatar.reference ? "not held" : "no picture";
  box.append(button("None", "No reference picture", () => post("actions/avatar_clear")), element("span", " " + held));
}

// Blended prompts have most of their words in common: those are shown once, then what each adds.
function showPrompts(prompts) {
  const total = prompts.reduce((sum, prompt) => sum + prompt.weight, 0) || 1;
  const parts = prompts.map((prompt) => prompt.text.split(", "));
  const common = parts.length > 1 ? parts[0].filter((part) => parts.every((other) => other.includes(part))) : [];
  const line = (share, text, className) => {
    const box = element("div", undefined, className);
    box.append(element("b", share), element("span", text));
    return box;
  };
  put($("prompts"), common.length && line("all", common.join(", "), "prompt all"), ...prompts.map((prompt, index) => {
    const share = prompt.weight / total;
    const own = parts[index].filter((part) => !common.includes(part)).join(", ");
    return line(Math.round(share * 100) + " %", own || "nothing more", share < 0.02 ? "prompt low" : "prompt");
  }));
}

function showMacros(values) {
  const box = $("macros");
  for (const [name, value] of Object.entries(values || {})) {
    let slider = box.querySelector(`input[name="${name}"]`);
    if (!slider) {
      slider = Object.assign(element("input"), { type: "range", min: 0, max: 1, step: 0.01, name });
      slider.oninput = () => {
        slider.nextSibling.textContent = Math.round(slider.value * 100);
        post("targets", { ["macro/" + name]: Number(slider.value) });
      };
      slider.onpointerdown = () => held.add(name);
      slider.onpointerup = slider.onpointercancel = () => held.delete(name);
      const label = element("label");
      label.append(name, slider, element("output"));
      box.append(label);
    }
    if (!held.has(name) && value !== null) {
      slider.value = value;
      slider.nextSibling.textContent = Math.round(value * 100);
    }
  }
}

// A controller that a mapping file knows and nobody has plugged in is no news: those are counted, and listed on demand.
function showInputs(s) {
  const here = s.midi.filter((port) => port.state !== "waiting"), absent = s.midi.filter((port) => port.state === "waiting");
  const pod = s.pod;
  put($("inputs"),
    ...(pod ? row(pod.phase === "ready" ? "good" : pod.phase === "failed" ? "bad" : "idle", "Pod " + (pod.name || pod.id),
      pod.spend_usd === null ? "" : `$${pod.spend_usd.toFixed(2)}, $${pod.cost_per_hour.toFixed(2)}/h`, pod.phase) : []),
    ...row(level[s.audio.state], "Sound: " + s.audio.source, s.audio.state, s.audio.gated && s.audio.state === "running" ? "quiet" : ""),
    ...s.osc.flatMap((osc) => row(level[osc.state || "listening"], "OSC " + osc.address, count(osc.received, "message", "messages"),
      [osc.state === "waiting" ? "waiting" : "", osc.rejected ? osc.rejected + " rejected" : "", osc.dropped ? osc.dropped + " dropped" : ""]
        .filter(Boolean).join(" · "), true)),
    ...here.flatMap((port) => row(level[port.state], port.port, count(port.events, "event", "events"),
      port.state === "open" ? "" : port.state, true)));
  const box = $("absent");
  box.hidden = absent.length === 0;
  box.querySelector("summary").textContent = count(absent.length, "known controller", "known controllers") + " not plugged in";
  const names = absent.map((port) => port.port.split("(?")[0]).join("\n");
  if (box.dataset.known !== names) {
    box.dataset.known = names;
    put(box.querySelector("ul"), ...names.split("\n").map((name) => element("li", name)));
  }
  $("takeover").textContent = s.takeover.map((t) =>
    `${t.control} waits for ${t.target}: turn ${t.needs > 0 ? "up" : "down"} ${Math.round(Math.abs(t.needs) * 100)} %`).join(" · ");
}

const titles = { ndi: "NDI", virtual_camera: "Virtual camera", preview: "Preview" };

function showTables(s) {
  put($("outputs"), ...s.outputs.flatMap((out) => row(out.state === "waiting" ? "idle" : level[out.state], titles[out.kind] || out.name,
    out.state === "open" ? out.fps.toFixed(1) + " fps" : out.state === "waiting" ? "not there" : out.state,
    out.state === "open" && out.receivers !== null ? (out.receivers ? count(out.receivers, "viewer", "viewers") : "nobody watches") : "")));
  const none = s.params.ineffective;
  const params = Object.entries(s.params.desired).filter(([name]) => name !== "prompts");
  params.sort(([a], [b]) => (a in none) - (b in none));
  put($("params"), ...params.flatMap(([name, value]) => row(name in none ? "idle" : "good", words(name), short(value), none[name])));
}

// Which server plays is worth a word only where there are several.
function onServer(servers) {
  const playing = servers.find((server) => server.current);
  return servers.length > 1 && playing ? ` · on ${playing.url}${playing.pinned ? " (pinned)" : ""}` : "";
}

const unlike = { slate: "slate", held: "held", frozen: "frozen", black: "blackout" };

function show(s) {
  status = s; statusAt = performance.now();
  const scope = s.scope;
  $("state").textContent = scope.state + (scope.pipeline ? " · " + scope.pipeline : "");
  $("state").className = "pill " + (scope.state === "live" ? "good" : scope.state === "failed" || scope.state === "stalled" ? "bad" : "warn");
  $("latency").textContent = scope.latency_ms === null ? "" : `${Math.round(scope.latency_ms)} ± ${Math.round(scope.latency_sd_ms)} ms control to pixel`;
  const program = s.program || {};
  $("badge").textContent = unlike[program.state] || "";
  $("badge").hidden = !(program.state in unlike);
  $("video").textContent = scope.video.width ? [`${scope.video.width}×${scope.video.height}`, `${scope.video.fps.toFixed(1)} fps from Scope`,
    `${scope.mode} mode`, program.width ? `${program.width}×${program.height} at ${program.fps.toFixed(0)} fps out` : ""]
    .filter(Boolean).join(" · ") : "no video from Scope yet";
  const sent = scope.video_in;
  $("sent").textContent = sent ? `Scope is sent: ${sent.source}${sent.detail ? ` (${sent.detail})` : ""}, ${sent.state}` +
    (sent.width ? `, ${sent.width}×${sent.height} at ${sent.fps.toFixed(0)} fps` : "") : "";
  $("sending").textContent = `${count(scope.params.sent, "message", "messages")} sent · ${scope.params.coalesced} changes merged` + onServer(scope.servers);
  put($("problems"), ...s.problems.map((p) => {
    const box = element("div", undefined, "problem");
    box.append(element("b", p.part), p.message, element("span", p.hint));
    return box;
  }));
  for (const name of ["freeze", "blackout", "panic"])
    document.querySelector(`[data-action=${name}]`).classList.toggle("on", Boolean((s.switches || {})[name]));
  showTempo(s.tempo); showQuantize(s.quantize); showSound(s.audio); showThemes(s); showAvatar(s); showPrompts(s.prompts || []); showMacros(s.macros);
  showInputs(s); showTables(s);
  $("version").textContent = "Scope Bridge " + s.version;
}

// The beat is drawn from bpm and phase between two events, so that it lands on the beat on every screen.
function drawBeat() {
  const dots = $("beats").children, tempo = status && status.tempo;
  let now = -1;
  if (tempo && tempo.bpm !== null) {
    const since = (performance.now() - statusAt) / 1000 * tempo.bpm / 60;
    const position = tempo.in_bar + tempo.phase + since;
    if (position % 1 < 0.45) now = Math.floor(position) % Math.max(1, dots.length);
  }
  for (let i = 0; i < dots.length; i++) dots[i].className = i === now ? (i === 0 ? "now first" : "now") : "";
  requestAnimationFrame(drawBeat);
}

for (const button of document.querySelectorAll("[data-action]"))
  button.onclick = () => post("actions/" + button.dataset.action);

const events = new EventSource("/api/v1/events");
events.addEventListener("status", (event) => show(JSON.parse(event.data)));
events.onerror = () => { $("state").textContent = "the daemon does not answer"; $("state").className = "pill bad"; };
$("picture").onerror = () => setTimeout(() => { $("picture").src = "/api/v1/preview.mjpeg?" + Date.now(); }, 2000);
drawBeat();
