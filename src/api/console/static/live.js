// The log as it grows: server-sent events of history, as rows above those that the page came with.

const MOST = 200;

const live = document.querySelector(".live");
if (live) begin(live, JSON.parse(live.querySelector("script").textContent));

function begin(within, { stream, zone, types }) {
  const button = within.querySelector("button");
  const rows = document.querySelector("tbody");
  const row = rowsOf(types, zone);
  const waiting = []; // the newest of what came and is not shown
  let [source, paused, shown, missed] = [null, false, 0, 0];
  within.hidden = false;

  button.addEventListener("click", () => {
    if (source === null) return follow();
    paused = !paused;
    if (!paused) show();
    tell();
  });

  function follow() {
    source = new EventSource(stream);
    source.addEventListener("open", tell);
    source.addEventListener("error", tell);
    source.addEventListener("message", (message) => {
      if (!message.data) return; // it ends here, which `error` tells
      waiting.push(message.data);
      missed += 1;
      if (waiting.length > MOST) waiting.shift();
      // Of many that come at once the page is changed once.
      if (missed === 1 && !paused) requestAnimationFrame(() => !paused && show());
      if (paused) tell();
    });
    tell();
  }

  function show() {
    shown += missed;
    rows.prepend(...waiting.reverse().map(row));
    waiting.length = missed = 0;
    while (rows.children.length > MOST) rows.lastElementChild.remove();
    if (shown) document.querySelector(".none")?.remove();
    tell();
  }

  function tell() {
    const count = (number) => number.toLocaleString("en");
    let words = shown ? `${count(shown)} came since you follow.` : "Nothing came yet.";
    if (rows.children.length === MOST) words += ` The newest ${MOST} are on the page.`;
    if (paused) words = `Paused. ${missed ? count(missed) : "Nothing"} came meanwhile.`;
    if (source.readyState === EventSource.CONNECTING) words += " Connecting …";
    if (source.readyState === EventSource.CLOSED) words += " The stream has ended: load the page again.";
    within.querySelector("p").textContent = words;
    button.textContent = paused ? button.dataset.resume : button.dataset.pause;
    button.disabled = source.readyState === EventSource.CLOSED && !missed;
  }
}

function rowsOf(types, zone) {
  const clock = new Intl.DateTimeFormat("sv", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });

  return (text) => {
    const entry = read(text);
    const row = document.createElement("tr");
    const number = row.appendChild(document.createElement("th"));
    number.scope = "row";
    number.className = "number";
    number.append(link(`log/event?position=${entry.position}`, entry.position.toLocaleString("en")));
    cell(row, "words").append(...words(types[entry.type] ?? entry.type, entry));
    const [kind] = entry.stream.split(":", 1);
    const id = entry.stream.slice(kind.length + 1);
    cell(row, "whose").append(link(`${kind}s/${kind}?id=${encodeURIComponent(id)}`, id));
    const time = cell(row).appendChild(document.createElement("time"));
    time.dateTime = entry.recorded_at;
    time.title = `${entry.recorded_at} (UTC)`;
    time.textContent = clock.format(new Date(entry.recorded_at));
    return row;
  };
}

// Numbers as they are written, where the browser tells that.
function read(text) {
  return JSON.parse(text, (_, value, context) => (typeof value === "number" && !Number.isSafeInteger(value) ? (context?.source ?? String(value)) : value));
}

function words(type, { data, erased, stream }) {
  if (erased || data === null) return [`${type} that was erased`];
  const said = [type];
  if (data.amount != null) {
    const currency = document.createElement("span");
    currency.className = "currency";
    currency.textContent = data.currency;
    said.push(` ${money(data.amount, data.currency)} `, currency);
    if (data.is_bonus === true) said.push(" of bonus money");
  }
  if (data.game_id != null) {
    said.push(" in ", link(`games/game?id=${encodeURIComponent(data.game_id)}`, data.game_id));
    if (data.round_id != null) {
      const round = { player_id: stream.slice("player:".length), game_id: data.game_id, round_id: data.round_id };
      said.push(", round ", link(`rounds/round?${new URLSearchParams(round)}`, data.round_id));
    }
  }
  return said;
}

function money(amount, currency) {
  let digits = 2;
  try {
    digits = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().minimumFractionDigits;
  } catch {
    // A currency that the tenant was allowed, of no country.
  }
  return new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: 18 }).format(amount);
}

function cell(row, name = "") {
  const made = row.appendChild(document.createElement("td"));
  made.className = name;
  return made;
}

function link(address, text) {
  const made = document.createElement("a");
  made.href = `/console/${address}`;
  const name = made.appendChild(document.createElement("bdi"));
  name.className = "id";
  name.textContent = text;
  return made;
}
