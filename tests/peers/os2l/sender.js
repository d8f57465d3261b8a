// Plays a tempo over OS2L as a DJ program does, and does as it is told: a JSON array on a line is [method, ...arguments].
const { OS2LClient } = require("os2l");
const readline = require("readline");

const [port, bpm] = process.argv.slice(2).map(Number);
const found = port ? { host: "127.0.0.1", port, useDNS_SD: false } : {};
const client = new OS2LClient({ ...found, autoReconnect: false });
client.on("error", (error) => console.error(error));
client.on("feedback", (name, state) => console.log(JSON.stringify({ feedback: name, state })));
client.connect().then(() => {
  console.log(JSON.stringify({ connected: true }));
  const began = performance.now();
  let beat = 0;
  const play = () => {
    client.beat(beat === 0, beat, bpm);
    beat += 1;
    setTimeout(play, began + (beat * 60000) / bpm - performance.now());
  };
  play();
});
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const [method, ...args] = JSON.parse(line);
  client[method](...args);
});
