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

function row(dot, name, note, value) {
  const line = element("tr"), first = element("td");
  if (dot) first.append(element("span", "", "dot " + dot));
  first.append(name);
  if (note) first.append(" ", element("em", note));
  line.append(first, element("td", value));
  return line;
}

const level = { open: "good", listening: "good", running: "good", live: "good", ended: "warn", waiting: "warn" };
const short = (value) => typeof value === "number" ? String(Math.round(value * 1000) / 1000)
  : Array.isArray(value) ? value.map((v) => v && v.text ? v.text : short(v)).join(", ") : String(value);

function showMeters(audio, tempo) {
  const db = audio.level_db === null ? 0 : Math.max(0, 1 + audio.level_db / 60);
  const meters = [["level", db, audio.level_db === null ? "" : Math.round(audio.level_db) + " dB"],
    ["energy", audio.energy], ["brightness", audio.brightness], ["texture", audio.texture],
    ...Object.entries(audio.bands)];
  const box = $("meters");
  if (box.children.length !== meters.length) {
    put(box, ...meters.map(([name]) => {
      const line = element("div", undefined, "meter"), bar = element("div");
      bar.append(element("i"));
      line.append(element("span", name), bar, element("span"));
      return line;
    }));
  }
  meters.forEach(([, value, text], index) => {
    const line = box.children[index];
    line.children[1].firstChild.style.transform = `scaleX(${Math.min(1, Math.max(0, value))})`;
    line.children[2].textContent = text === undefined ? Math.round(value * 100) : text;
  });
  box.firstChild.classList.toggle("clip", audio.clipping);
  $("audio").textContent = `${audio.source} · ${audio.state}${audio.gated && audio.state === "running" ? " · quiet" : ""}`;
}

function showTempo(tempo) {
  $("bpm").textContent = tempo.bpm === null ? "–" : tempo.bpm.toFixed(1);
  $("source").textContent = tempo.source === "none" ? "no tempo" : "from " + tempo.source.replace("_", " ");
  $("confidence").textContent = tempo.bpm === null ? "" : Math.round(tempo.confidence * 100) + " % sure";
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
  $("prompt").textContent = short(s.params.desired.prompts || "");
}

function showMacros(values) {
  const box = $("macros");
  for (const [name, value] of Object.entries(values || {})) {
    let slider = box.querySelector(`input[name="${name}"]`);
    if (!slider) {
      slider = Object.assign(element("input"), { type: "range", min: 0, max: 1, step: 0.01, name });
      slider.oninput = () => post("targets", { ["macro/" + name]: Number(slider.value) });
      slider.onpointerdown = () => held.add(name);
      slider.onpointerup = slider.onpointercancel = () => held.delete(name);
      const label = element("label");
      label.append(name, slider);
      box.append(label);
    }
    if (!held.has(name) && value !== null) slider.value = value;
  }
}

function showTables(s) {
  put($("inputs"),
    row(level[s.audio.state], "audio " + s.audio.source, "", s.audio.state),
    ...s.midi.map((port) => row(level[port.state], port.port, port.state === "open" ? "" : port.state, port.events)),
    ...s.osc.map((osc) => row(level[osc.state || "listening"], "OSC " + osc.address,
      osc.rejected ? osc.rejected + " rejected" : "", osc.received)));
  put($("outputs"), ...s.outputs.map((out) => row(level[out.state], out.name,
    out.receivers === null ? "" : out.receivers + (out.receivers === 1 ? " receiver" : " receivers"),
    out.fps.toFixed(1) + " fps")));
  const none = s.params.ineffective;
  put($("params"), ...Object.entries(s.params.desired).filter(([name]) => name !== "prompts").map(([name, value]) =>
    row(name in none ? "warn" : "good", name, none[name] || "", short(value))));
  $("takeover").textContent = s.takeover.map((t) =>
    `${t.control} waits: ${t.needs > 0 ? "↑" : "↓"} ${Math.round(Math.abs(t.needs) * 100)} %`).join(" · ");
}

function show(s) {
  status = s; statusAt = performance.now();
  const scope = s.scope;
  $("state").textContent = scope.state + (scope.pipeline ? " · " + scope.pipeline : "");
  $("state").className = "pill " + (scope.state === "live" ? "good" : scope.state === "failed" || scope.state === "stalled" ? "bad" : "warn");
  $("latency").textContent = scope.latency_ms === null ? "" : Math.round(scope.latency_ms) + " ms control to pixel";
  $("video").textContent = `${scope.video.width}×${scope.video.height} · ${scope.video.fps.toFixed(1)} fps · ${scope.mode} mode`;
  $("sending").textContent = `${scope.params.sent} messages · ${scope.params.coalesced} merged`;
  put($("problems"), ...s.problems.map((p) => {
    const box = element("div", undefined, "problem");
    box.append(element("b", p.part), `${p.message} ${p.hint}`);
    return box;
  }));
  for (const name of ["freeze", "blackout", "panic"])
    document.querySelector(`[data-action=${name}]`).classList.toggle("on", Boolean((s.switches || {})[name]));
  showTempo(s.tempo); showMeters(s.audio, s.tempo); showThemes(s); showMacros(s.macros); showTables(s);
  $("version").textContent = "Scope Bridge " + s.version;
}

// The beat is drawn from bpm and phase between two events, so that it lands on the beat on every screen.
function drawBeat() {
  const dots = $("beats").children, tempo = status && status.tempo;
  let now = -1;
  if (tempo && tempo.bpm !== null) {
    const since = (performance.now() - statusAt) / 1000 * tempo.bpm / 60;
    const position = tempo.in_bar + tempo.phase + since;
    if (position % 1 < 0.45) now = Math.floor(position) % 4;
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
