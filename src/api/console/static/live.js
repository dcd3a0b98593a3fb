// The log as it grows: a stream of history tells which events came, and the server is asked for their rows.

const MOST = 200; // rows on the page
const APART_MS = 500; // between two questions for rows: for many events that come at once one is asked
const AGAIN_MS = 2000; // before what went wrong is tried again
const UNREACHED = 0;
const PASSING = new Map([
  [UNREACHED, "The service can't be reached. Trying again …"],
  [429, "What came can't be shown so often with this key. Trying again …"],
  [503, "What came can't be shown yet. Trying again …"],
]);

const live = document.querySelector(".live");
if (live) begin(live, JSON.parse(live.querySelector("script").textContent));

function begin(within, { stream, part }) {
  const button = within.querySelector("button");
  const rows = document.querySelector("tbody");
  const waiting = []; // the positions of the newest that came and are not shown
  // There is no source while nobody looks: browsers have six connections to a host, for all of their tabs.
  let [source, begun, paused, ended] = [null, false, false, false];
  let [last, missed, shown, asking] = [null, 0, 0, false];
  let trouble = "";
  within.hidden = false;

  button.addEventListener("click", () => {
    paused = begun && !paused;
    begun = true;
    attend();
  });
  document.addEventListener("visibilitychange", attend);

  function attend() {
    const looks = begun && !paused && !document.hidden;
    if (looks && !source && !ended) follow();
    if (!looks) leave();
    show();
    if (begun) tell();
  }

  function follow() {
    source = new EventSource(last === null ? stream : changed(stream, { from_position: last + 1 }));
    source.addEventListener("open", tell);
    source.addEventListener("error", ({ target }) => {
      ended = target.readyState === EventSource.CLOSED;
      tell();
    });
    source.addEventListener("message", ({ data, lastEventId }) => {
      last = Number(lastEventId);
      if (!data) return; // it ends here, which `error` tells
      waiting.push(last);
      missed += 1;
      if (waiting.length > MOST) waiting.shift();
      show();
    });
  }

  function leave() {
    source?.close();
    source = null;
  }

  // One question at a time, for all that waits then.
  async function show() {
    if (asking || paused || !waiting.length) return;
    asking = true;
    const [came, first, newest] = [missed, waiting[0], waiting.at(-1)];
    const { status, html } = await rowsOf(changed(part, { from_position: first, to_position: newest, at_least: newest }));
    trouble = PASSING.get(status) ?? "";
    if (status === 200) {
      rows.insertAdjacentHTML("afterbegin", html);
      while (rows.children.length > MOST) rows.lastElementChild.remove();
      document.querySelector(".none")?.remove();
      waiting.splice(0, waiting.findLastIndex((position) => position <= newest) + 1);
      missed -= came;
      shown += came;
    } else if (!trouble) {
      waiting.length = 0;
      ended = true;
      leave();
    }
    tell();
    setTimeout(
      () => {
        asking = false;
        show();
      },
      trouble ? AGAIN_MS : APART_MS,
    );
  }

  function tell() {
    const count = (number) => number.toLocaleString("en");
    let words = shown ? `${count(shown)} came since you follow.` : "Nothing came yet.";
    if (rows.children.length === MOST) words += ` The newest ${MOST} are on the page.`;
    if (paused) words = "Paused. What comes meanwhile is shown when you go on.";
    if (source?.readyState === EventSource.CONNECTING) words += " Connecting …";
    if (ended) words += " The stream has ended: load the page again.";
    within.querySelector("p").textContent = trouble || words;
    button.textContent = paused ? button.dataset.resume : button.dataset.pause;
    button.disabled = ended;
  }
}

function changed(address, parameters) {
  const made = new URL(address, location);
  for (const [name, value] of Object.entries(parameters)) made.searchParams.set(name, value);
  return made;
}

async function rowsOf(address) {
  try {
    const answer = await fetch(address, { headers: { "hx-request": "true" } });
    return { status: answer.status, html: await answer.text() };
  } catch {
    return { status: UNREACHED, html: "" };
  }
}
