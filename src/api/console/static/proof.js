// Whether an event is in a log, by what docs/evidence.md says and nothing else: hashes and one signature, which
// the browser's own WebCrypto makes. All that it is given may be forged: it believes the checkpoint and the key.

export class UnusableError extends Error {}

const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;
const NO_BYTES = "00".repeat(16);
const EPOCH_MICROS = 946_684_800_000_000n; // 2000-01-01, since 1970

// The steps in their order, each {name, outcome, words}. `outcome` is "holds", "fails", "unchecked", or "unusable":
// what was given can't be read, or says nothing of the event, which is no sign of a forgery.
//   event       {position, stream, version, topic, recordedAt, data}: as it is shown; data null where it was erased
//   inclusion   what /api/v1/evidence/inclusion says of it for the checkpoint's size, or an Error
//   checkpoint  the note, as text
//   keys        verifier keys whose signature counts, as texts
export async function verify({ event, inclusion, checkpoint, keys }) {
  const note = await attempt(() => readCheckpoint(checkpoint));
  if (note instanceof Error) {
    const why = "There is no checkpoint to hold it against.";
    return [unusable("checkpoint", note.message), ...["signature", "log", "event", "path"].map((name) => unchecked(name, why))];
  }
  const read = holds("checkpoint", `It says that the log ${note.origin} had ${count(note.size)} events, and which hash stands for all of them.`);
  const signature = await step("signature", () => checkSignature(note, keys));
  const log = await step("log", () => checkLog(note, event, inclusion));
  if (log.outcome !== "holds") {
    const why = "The checkpoint says nothing of this event.";
    return [read, signature, log, unchecked("event", why), unchecked("path", why)];
  }
  const shown = await step("event", () => checkEvent(note, event, inclusion));
  return [read, signature, log, shown, await step("path", () => checkPath(note, event, inclusion))];
}

async function checkSignature(note, keys) {
  if (!keys.length) return unchecked("signature", "There is no key to check it with.");
  let signer;
  for (const text of keys) {
    const key = await attempt(() => readKey(text));
    if (key instanceof Error) throw new UnusableError(key.message);
    if (key.name !== note.origin) throw new Error(`The key is of another log than the checkpoint, ${key.name}.`);
    const imported = await attempt(() => crypto.subtle.importKey("raw", key.bytes, "Ed25519", false, ["verify"]));
    if (imported.name === "NotSupportedError") return unchecked("signature", "This browser can't verify Ed25519 signatures; newer ones can.");
    if (imported instanceof Error) throw imported;
    for (const line of note.signatures.filter((each) => each.name === key.name && equal(each.id, key.id))) {
      if (line.signature.length !== SIGNATURE_BYTES) throw new UnusableError("The signature is not whole: paste the checkpoint to its last letter.");
      const right = await crypto.subtle.verify("Ed25519", imported, line.signature, utf8(note.text));
      if (!right) throw new Error("The signature is of another text, or of another key: the checkpoint was altered or forged.");
      signer = hex(key.id);
    }
  }
  if (!signer) throw new Error("No line of the checkpoint is signed with the key.");
  const others = note.signatures.filter((each) => each.name !== note.origin).length;
  const unknown = others ? ` Not checked: ${count(others)} more, as of witnesses.` : "";
  return holds("signature", `It is signed with the key ${signer} of that log.${unknown}`);
}

function checkLog(note, event, inclusion) {
  if (event.position > note.size) {
    throw new UnusableError(`The checkpoint is of the first ${count(note.size)} events, and this one came later: take one that you kept since then.`);
  }
  if (inclusion instanceof Error) throw inclusion;
  const logId = hex(fromBase64(inclusion.leaf, "The leaf").slice(1, 17));
  if (hex(logIdOf(note)) !== logId) throw new Error(`The checkpoint is of another log than the event, whose log is ${logId}.`);
  return holds("log", "It is of the log of this event, and reaches it.");
}

async function checkEvent(note, event, inclusion) {
  const sealed = hashOf(inclusion.leaf_hash, "The hash that was sealed");
  if (!equal(await leafHash(note, event, inclusion.committed), sealed)) {
    throw new Error("What this page shows is not what was sealed: at least one byte of it is another.");
  }
  return holds("event", `The hash of what this page shows is the one that was sealed: ${hex(sealed)}.`);
}

async function checkPath(note, event, inclusion) {
  const path = inclusion.proof.map((each) => hashOf(each, "A hash of the path"));
  const leaf = hashOf(inclusion.leaf_hash, "The hash that was sealed");
  const root = await rootOf(leaf, event.position - 1, note.size, path);
  if (!equal(root, note.root)) throw new Error("It leads to another hash than the checkpoint's: in that log something else stands here.");
  return holds("path", `With ${count(path.length)} more hashes it leads to the checkpoint's: that event was there, at position ${count(event.position)}.`);
}

// A note (C2SP tlog-checkpoint): three lines of text, an empty one, lines of signatures. None of its lines begins or
// ends with a space: one that was indented, or pasted twice, is the same.
export function readCheckpoint(given) {
  const text = given.split("\n").map((line) => line.trim()).join("\n").trim();
  const [body, lines, ...more] = once(text).split("\n\n");
  const [origin, size, root, ...others] = body.split("\n");
  if (lines === undefined || more.length || root === undefined || others.length) {
    throw new Error("This is no checkpoint: that is three lines, an empty one, and lines of signatures. Paste it whole, as it was kept.");
  }
  if (!/^(0|[1-9]\d{0,14})$/.test(size)) throw new Error("The second line of a checkpoint is a number of events.");
  return {
    text: `${body}\n`,
    origin,
    size: Number(size),
    root: hashOf(root, "The third line of the checkpoint"),
    signatures: lines.split("\n").map(readSignature),
  };
}

function once(text) {
  const half = text.slice(0, text.length / 2).trim();
  return half && text.endsWith(half) && !text.slice(half.length, -half.length).trim() ? half : text;
}

function readSignature(line) {
  const found = /^\u2014 (\S+) (\S+)$/.exec(line);
  if (!found) throw new Error("A line of signatures begins with a long dash, a name and a space.");
  const bytes = fromBase64(found[2], "A signature");
  return { name: found[1], id: bytes.slice(0, 4), signature: bytes.slice(4) };
}

// A verifier key (C2SP signed-note): name+id+base64(0x01 || key). The id is a hash of the rest.
export async function readKey(text) {
  const found = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim());
  if (!found) throw new Error("A public key reads name+id+base64. Paste it whole, as you were given it.");
  const [, name, id, encoded] = found;
  const material = fromBase64(encoded, "The key");
  if (material[0] !== 1 || material.length !== 1 + HASH_BYTES) throw new Error("The key is none of Ed25519.");
  const own = (await sha256(utf8(`${name}\n`), material)).slice(0, 4);
  if (hex(own) !== id) throw new Error("The key is not the one that its id says: a character of it was altered.");
  return { name, id: own, bytes: material.slice(1) };
}

export async function leafHash(note, event, committed) {
  const { key, occurred_at: occurredAt, salt, commitment } = committed ?? {};
  const flags = (key == null ? 0 : 1) + (occurredAt == null ? 0 : 2);
  const state = event.data === null ? fromHex(commitment, HASH_BYTES) : await sha256([2], fromHex(salt, 16), utf8(event.data));
  const content = await sha256(
    [3], whole(flags, 2), fromHex(key ?? NO_BYTES, 16), whole(occurredAt == null ? 0 : micros(occurredAt), 8),
    named(event.topic), named(event.stream), state,
  );
  const place = [whole(event.position, 8), whole(micros(event.recordedAt), 8), whole(event.version, 4)];
  return sha256([0], [1], logIdOf(note), ...place, content);
}

// RFC 9162, section 2.1.3.2.
export async function rootOf(leaf, index, size, path) {
  let [node, last, hash] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) throw new Error("The path is longer than one in that log.");
    if (node % 2 || node === last) {
      hash = await sha256([1], sibling, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      hash = await sha256([1], hash, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  if (last !== 0) throw new Error("The path is shorter than one in that log.");
  return hash;
}

function logIdOf(note) {
  const found = /\/log\/([0-9a-f]{32})$/.exec(note.origin);
  if (!found) throw new Error("The checkpoint's first line names no log of events.");
  return fromHex(found[1], 16);
}

const holds = (name, words) => ({ name, outcome: "holds", words });
const fails = (name, words) => ({ name, outcome: "fails", words });
const unusable = (name, words) => ({ name, outcome: "unusable", words });
const unchecked = (name, words) => ({ name, outcome: "unchecked", words });

async function step(name, check) {
  const found = await attempt(check);
  if (found instanceof UnusableError) return unusable(name, found.message);
  return found instanceof Error ? fails(name, found.message) : found;
}

async function attempt(make) {
  try {
    return await make();
  } catch (error) {
    return error;
  }
}

async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(parts)));
}

function joined(parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const utf8 = (text) => new TextEncoder().encode(text);
const hex = (bytes) => Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
const equal = (one, other) => hex(one) === hex(other);
const half = (number) => Math.floor(number / 2);
const count = (number) => number.toLocaleString("en");

// Big-endian; of negative numbers the two's complement.
function whole(number, length) {
  const digits = BigInt.asUintN(8 * length, BigInt(number)).toString(16).padStart(2 * length, "0");
  return fromHex(digits, length);
}

function named(text) {
  const bytes = utf8(text);
  return joined([whole(bytes.length, 2), bytes]);
}

function micros(time) {
  const [, seconds, fraction = ""] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z$/.exec(time) ?? [];
  const millis = seconds === undefined ? NaN : Date.parse(`${seconds}Z`);
  if (Number.isNaN(millis)) throw new Error(`${time} is no time.`);
  return BigInt(millis) * 1000n + BigInt(fraction.padEnd(6, "0")) - EPOCH_MICROS;
}

function fromHex(text, length) {
  if (typeof text !== "string" || text.length !== 2 * length || !/^[0-9a-f]*$/.test(text)) throw new Error("What the leaf is made of is incomplete.");
  return Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
}

function fromBase64(text, what) {
  let decoded = "";
  try {
    decoded = typeof text === "string" ? atob(text) : "";
  } catch {
    // What is none decodes to nothing.
  }
  // Only as an encoder writes it: else two texts would be the same bytes.
  if (!decoded || btoa(decoded) !== text) throw new Error(`${what} is not in base64.`);
  return Uint8Array.from(decoded, (each) => each.charCodeAt(0));
}

function hashOf(text, what) {
  const bytes = fromBase64(text, what);
  if (bytes.length !== HASH_BYTES) throw new Error(`${what} is no hash.`);
  return bytes;
}
