// The proof on the page of an event: takes what the page shows, asks for what proves it, and says what held.

import { readCheckpoint, UnusableError, verify } from "./proof.js";

const NAMES = {
  checkpoint: "The checkpoint can be read",
  signature: "It is signed with the log's key",
  log: "It covers this event",
  event: "This page shows what was sealed",
  path: "What was sealed is in that log",
};
const OUTCOMES = { holds: "Holds", fails: "Fails", unchecked: "Not checked", unusable: "Not verified" };

const PASSING = [403, 429, 503]; // as where the session has ended

const section = document.querySelector("#proof");
const form = section.querySelector("form");

// Browsers have no WebCrypto at an address that is not secure: then what the page says instead stays.
if (globalThis.crypto?.subtle) {
  section.querySelector(".without").hidden = true;
  form.hidden = false;
  form.addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    prove();
  });
}

async function prove() {
  const button = form.querySelector("button");
  button.disabled = true;
  const kept = form.elements.checkpoint.value.trim();
  const known = form.elements.vkey.value.trim();
  const event = shown();
  const checkpoint = kept || (await answer("checkpoint", (response) => response.text()));
  const size = sizeOf(checkpoint);
  const inclusion =
    size >= event.position
      ? await answer(`inclusion?position=${event.position}&size=${size}`, (response) => response.json())
      : new Error("There is no proof of it.");
  const keys = known ? known.split(/\s+/) : await keysOf(size);
  const missing = [checkpoint, keys].find((each) => each instanceof Error);
  if (missing) {
    tell(...nothing(missing.message), []);
  } else if (!kept && size < event.position) {
    tell(...nothing("This event is not sealed yet, which takes some seconds. Verify it again then."), []);
  } else {
    const steps = await verify({ event, inclusion, checkpoint, keys });
    tell(...verdict(steps, kept, known), steps);
  }
  button.disabled = false;
}

// What stands on the page, not what it was made of.
function shown() {
  const part = (name) => document.querySelector(`[data-part=${name}]`);
  const text = (name) => part(name).textContent;
  return {
    position: Number(text("position").replaceAll(",", "")),
    stream: text("stream"),
    version: Number(text("version").replaceAll(",", "")),
    topic: text("topic"),
    recordedAt: text("recorded"),
    data: part("data") && text("data"),
  };
}

function sizeOf(checkpoint) {
  try {
    return readCheckpoint(checkpoint).size;
  } catch {
    return 0; // which the first step tells
  }
}

async function keysOf(size) {
  const found = await answer("keys", (response) => response.json());
  if (found instanceof Error) return found;
  return found.keys.filter((each) => !each.revoked || size <= each.to_size).map((each) => each.vkey);
}

// What the service says, or why it doesn't: what it can't say now, it may say later.
async function answer(path, read) {
  try {
    const response = await fetch(`/console/api/v1/evidence/${path}`, { cache: "no-store" });
    if (response.ok) return await read(response);
    const { detail } = await response.json();
    return PASSING.includes(response.status) ? new UnusableError(detail) : new Error(detail);
  } catch {
    return new UnusableError("The service can't be reached. Try it again in a moment.");
  }
}

function verdict(steps, kept, known) {
  const outcomes = steps.map((each) => each.outcome);
  if (outcomes.includes("fails")) {
    return ["fails", "Not proven. Change nothing, keep the checkpoint and what this page says, and have the whole log verified."];
  }
  const told = steps.find((each) => each.outcome === "unusable");
  if (told) return nothing(told.words);
  const but = outcomes.includes("unchecked") ? ", but for what was not checked" : "";
  if (!kept) {
    return ["unchecked", `The service agrees with itself${but}: the checkpoint is its own, of now. A proof is one against a checkpoint that you kept.`];
  }
  const by = known ? "" : " The key is the one that the service names: compare it with the one that you were given.";
  return ["holds", `Proven against your checkpoint${but}.${by}`];
}

const nothing = (why) => ["unchecked", `Nothing could be verified: ${why}`];

function tell(outcome, words, steps) {
  const told = section.querySelector(".verdict");
  told.className = `verdict ${outcome}`;
  told.textContent = words;
  section.querySelector(".checks").replaceChildren(...steps.map(item));
}

function item({ name, outcome, words }) {
  const made = document.createElement("li");
  made.className = outcome;
  const title = document.createElement("strong");
  title.textContent = `${OUTCOMES[outcome]}: ${NAMES[name]}`;
  const said = document.createElement("p");
  said.textContent = words;
  made.append(title, said);
  return made;
}
