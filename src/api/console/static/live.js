// The log as it grows: a stream of history tells which events came, and the server is asked for their rows.

const MOST = 200; // rows on the page
const APART_MS = 500; // between two questions for rows: for many events that come at once one is asked
const PAUSE_MS = 1000; // before what went wrong is tried again, then twice as long each time
const LONGEST_PAUSE_MS = 30_000;
const SPREAD_MS = 1000; // at random, as all who follow lose their streams at once
const PATIENCE_MS = 15_000; // what holds a question and never answers it is out of reach
const SILENCE_MS = 30_000; // a stream says every few seconds that it is there
const LONGEST_AFTER_MS = 600_000;
const UNREACHED = 0;
const BROKEN = -1; // a stream that was there
const ENDED = 204; // nothing can follow

const live = document.querySelector(".live");
if (live) begin(live, JSON.parse(live.querySelector("script").textContent));

function begin(within, { stream, part }) {
  const button = within.querySelector("button");
  const rows = document.querySelector("tbody");
  const waiting = []; // the positions of the newest that came and are not shown
  // Nothing is read while nobody looks: browsers have six connections to a host, for all of their tabs.
  let [reading, begun, paused, ended] = [null, false, false, false];
  let [last, missed, shown, asking] = [0, 0, 0, false];
  let [waits, tries, opened] = [null, 0, null]; // of asking for the stream again
  let refusals = 0; // of rows, one after the other
  let [trouble, lost] = ["", ""];
  within.hidden = false;

  button.addEventListener("click", () => {
    paused = begun && !paused;
    begun = true;
    attend();
  });
  document.addEventListener("visibilitychange", attend);

  function attend() {
    const looks = begun && !paused && !document.hidden;
    if (looks && !reading && !waits && !ended) follow();
    if (!looks) leave();
    show();
    if (begun) tell();
  }

  async function follow() {
    const mine = new AbortController();
    [reading, waits, lost] = [mine, null, ""];
    tell();
    const { status, afterMs } = await read(stream, last, mine, open, come);
    if (reading !== mine) return;
    leave();
    if (status === BROKEN || isPassing(status)) comeBack(status, afterMs);
    else end();
  }

  function open() {
    opened = Date.now();
    tell();
  }

  function come(position) {
    last = position;
    waiting.push(last);
    missed += 1;
    if (waiting.length > MOST) waiting.shift();
    show();
  }

  function leave() {
    reading?.abort();
    clearTimeout(waits);
    // One that breaks as soon as it is open is not asked for at once for ever.
    if (opened && Date.now() - opened > LONGEST_PAUSE_MS) tries = 0;
    [reading, waits, lost, opened] = [null, null, "", null];
  }

  function end() {
    leave();
    ended = true;
    tell();
  }

  function comeBack(status, afterMs) {
    const pauseMs = pauseOf(tries, afterMs);
    tries += 1;
    lost = `${reason(status) || "The stream broke."} Trying again in ${Math.ceil(pauseMs / 1000)} s …`;
    waits = setTimeout(follow, pauseMs);
    tell();
  }

  // One question at a time, for all that waits then.
  async function show() {
    if (asking || paused || document.hidden || !waiting.length) return;
    asking = true;
    const [came, first, newest] = [missed, waiting[0], waiting.at(-1)];
    const { status, html, afterMs } = await rowsOf(changed(part, { from_position: first, to_position: newest, at_least: newest }));
    trouble = isPassing(status) ? `${reason(status)} Trying again …` : "";
    if (status === 200) {
      rows.insertAdjacentHTML("afterbegin", html);
      while (rows.children.length > MOST) {
        rows.lastElementChild.remove();
        document.querySelector(".pager")?.remove(); // it goes on behind what was last
      }
      document.querySelector(".none")?.remove();
      waiting.splice(0, waiting.findLastIndex((position) => position <= newest) + 1);
      missed -= came;
      shown += came;
    } else if (!trouble) {
      waiting.length = 0;
      end();
    }
    tell();
    setTimeout(
      () => {
        asking = false;
        show();
      },
      trouble ? pauseOf(refusals, afterMs) : APART_MS,
    );
    refusals = trouble ? refusals + 1 : 0;
  }

  function tell() {
    const count = (number) => number.toLocaleString("en");
    let words = shown ? `${count(shown)} came since you follow.` : "Nothing came yet.";
    if (rows.children.length === MOST) words += ` The newest ${MOST} are on the page: load it again for older ones.`;
    if (paused) words = "Paused. What comes meanwhile is shown when you go on.";
    if (reading && !opened) words += " Connecting …";
    if (ended) words += " The stream has ended: load the page again.";
    within.querySelector("p").textContent = trouble || lost || words;
    button.textContent = paused ? button.dataset.resume : button.dataset.pause;
    button.disabled = ended;
  }
}

function changed(address, parameters) {
  const made = new URL(address, location);
  for (const [name, value] of Object.entries(parameters)) made.searchParams.set(name, value);
  return made;
}

function isPassing(status) {
  return status === UNREACHED || status === 429 || status >= 500;
}

function reason(status) {
  if (status === UNREACHED) return "The service can't be reached.";
  if (status === 429) return "This key has too much open, or asks too often.";
  return status >= 500 ? "The service can't answer yet." : "";
}

function pauseOf(tries, afterMs) {
  return Math.max(Math.min(PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS), afterMs) + Math.random() * SPREAD_MS;
}

// Reads the stream of what follows a position until it ends, falls silent or is given up. An EventSource would tell
// neither of the comments by which the service shows that it is there, nor why it was refused, nor when to come again.
async function read(stream, position, given, open, come) {
  let waits = setTimeout(() => given.abort(), PATIENCE_MS);
  const headers = { accept: "text/event-stream", "last-event-id": position };
  const asked = { headers, signal: given.signal, cache: "no-store", redirect: "error" };
  const answer = await fetch(stream, asked).catch(() => null);
  let [status, afterMs] = answer ? [answer.status, afterMsOf(answer)] : [UNREACHED, 0];
  // What is between may answer with a page of its own.
  if (status === 200 && !answer.headers.get("content-type")?.startsWith("text/event-stream")) status = UNREACHED;
  if (status === 200) {
    status = BROKEN;
    open();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let [rest, id] = ["", null];
    for (;;) {
      clearTimeout(waits);
      waits = setTimeout(() => given.abort(), SILENCE_MS);
      const { value } = await reader.read().catch(() => ({}));
      if (value === undefined || given.signal.aborted) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith("id: ")) {
          id = Number(line.slice(4));
        } else if (line.startsWith("data: ")) {
          come(id);
          id = null;
        } else if (line === "" && id !== null) {
          status = ENDED; // an id of no event is the last one
        }
      }
    }
  }
  clearTimeout(waits);
  given.abort();
  return { status, afterMs };
}

async function rowsOf(address) {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await fetch(address, { headers: { "hx-request": "true" }, signal });
    return { status: answer.status, afterMs: afterMsOf(answer), html: await answer.text() };
  } catch {
    return { status: UNREACHED, afterMs: 0, html: "" };
  }
}

function afterMsOf(answer) {
  return Math.min(1000 * (Number(answer.headers.get("retry-after")) || 0), LONGEST_AFTER_MS);
}
