// The log as it grows: a stream of history tells which events came, and the server is asked for their rows.

const MOST = 200; // rows on the page
const APART_MS = 500; // between two questions for rows: for many events that come at once one is asked
const PAUSE_MS = 1000; // before what went wrong is tried again, then twice as long each time
const LONGEST_PAUSE_MS = 30_000;
const SPREAD_MS = 1000; // at random, as all who follow lose their streams at once
const PATIENCE_MS = 15_000; // what holds a question and never answers it is out of reach
const UNREACHED = 0;
const FOLLOWS = 200; // 204 where nothing can follow

const live = document.querySelector(".live");
if (live) begin(live, JSON.parse(live.querySelector("script").textContent));

function begin(within, { stream, part }) {
  const button = within.querySelector("button");
  const rows = document.querySelector("tbody");
  const waiting = []; // the positions of the newest that came and are not shown
  // There is no source while nobody looks: browsers have six connections to a host, for all of their tabs.
  let [source, begun, paused, ended] = [null, false, false, false];
  let [last, missed, shown, asking] = [null, 0, 0, false];
  let [turn, waits, tries, opened] = [0, null, 0, null]; // of asking for the stream again
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
    if (looks && !source && !waits && !ended) follow();
    if (!looks) leave();
    show();
    if (begun) tell();
  }

  function follow() {
    waits = setTimeout(comeBack, PATIENCE_MS);
    lost = "";
    source = new EventSource(last === null ? stream : changed(stream, { from_position: last + 1 }));
    source.addEventListener("open", () => {
      clearTimeout(waits);
      [waits, opened] = [null, Date.now()];
      tell();
    });
    source.addEventListener("error", comeBack);
    source.addEventListener("message", ({ lastEventId }) => {
      last = Number(lastEventId);
      waiting.push(last);
      missed += 1;
      if (waiting.length > MOST) waiting.shift();
      show();
    });
    tell();
  }

  function leave() {
    source?.close();
    clearTimeout(waits);
    // One that breaks as soon as it is open is not asked for at once for ever.
    if (opened && Date.now() - opened > LONGEST_PAUSE_MS) tries = 0;
    [source, waits, lost, opened] = [null, null, "", null];
    turn += 1;
  }

  function end() {
    leave();
    ended = true;
    tell();
  }

  // An EventSource does not tell why it was refused, nor when to come again: the same is asked for to know. Of who
  // goes on after an event the service also tells whether any can follow.
  async function comeBack() {
    leave();
    lost = "The stream broke. Asking why …";
    tell();
    const mine = turn;
    const { status, afterMs } = await refusalOf(stream, last ?? 0);
    if (turn !== mine) return;
    if (status !== FOLLOWS && !isPassing(status)) return end();
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
    if (source?.readyState === EventSource.CONNECTING) words += " Connecting …";
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

async function refusalOf(stream, last) {
  try {
    const answer = await asked(stream, { accept: "text/event-stream", "last-event-id": last });
    answer.body?.cancel();
    return { status: answer.status, afterMs: afterMsOf(answer) };
  } catch {
    return { status: UNREACHED, afterMs: 0 };
  }
}

async function rowsOf(address) {
  try {
    const answer = await asked(address, { "hx-request": "true" });
    return { status: answer.status, afterMs: afterMsOf(answer), html: await answer.text() };
  } catch {
    return { status: UNREACHED, afterMs: 0, html: "" };
  }
}

function asked(address, headers) {
  return fetch(address, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
}

function afterMsOf(answer) {
  return 1000 * (Number(answer.headers.get("retry-after")) || 0);
}
