/** Posts the day of a casino to a service, and reads it back: all of it by the types of the document. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { before, test } from "node:test";

import {
  connect,
  exact,
  ProblemError,
  taken,
  walk,
  type HistoryEntry,
  type Item,
  type Roundbook,
  type Schemas,
} from "../src/index.js";

function given(name: string): string {
  const value = env[name];
  assert.ok(value, `${name} must be set`);
  return value;
}

const folder = given("SAMPLE_DAY");
const batches: Schemas["Batch"][] = readdirSync(folder)
  .filter((name) => name.startsWith("batch-"))
  .sort()
  .map((name) => exactly(readFileSync(join(folder, name), "utf8")));

/** Read a batch, its amounts digit for digit, as JSON.parse alone would not. */
function exactly(text: string): Schemas["Batch"] {
  const marked = text.replace(/("amount(?:_eur)?": *)([\d.]+)(?=[,\s}])/g, '$1"#$2"');
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === "string" && /^#[\d.]+$/.test(value) ? exact(value.slice(1)) : value,
  ) as Schemas["Batch"];
}

const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as {
  receipts: { stored: number; duplicate: number; conflict: number; log_position: number }[];
  balances: Schemas["Balance"][];
};

const bet: Item = {
  event: "gameround",
  data: {
    unique_id: "ts-bet-1",
    timestamp: "2025-01-16T06:00:00Z",
    player_id: "ts-player",
    game_id: "ts/game",
    round_id: "ts-round",
    amount: 0.25,
    currency: "EUR",
    is_win: false,
    is_bonus: false,
  },
};
// What the compiler must refuse: an event that there is none of, what is missing, what is of another kind.
// @ts-expect-error
const noEvent: Item = { ...bet, event: "bet" };
// @ts-expect-error
const noIds: Item = { event: "login", data: { timestamp: "2025-01-16T06:00:00Z" } };
const wrongKinds: Item = {
  event: "deposit",
  data: {
    unique_id: "ts-deposit",
    timestamp: "2025-01-16T06:00:00Z",
    player_id: "ts-player",
    // @ts-expect-error
    amount: "5",
    currency: "EUR",
    method: "card",
  },
};

let roundbook: Roundbook;
let head = 0;

before(async () => {
  roundbook = connect(given("ROUNDBOOK_URL"), given("ROUNDBOOK_KEY"));
  for (const [number, batch] of batches.entries()) {
    const { data, error, response } = await roundbook.POST("/api/v1/events", {
      params: { header: { Prefer: "return=representation" } },
      body: batch,
    });
    const receipt = taken({ data, error });
    assert.ok(receipt, "no receipt");
    assert.deepEqual(
      { stored: receipt.stored, duplicate: receipt.duplicate, conflict: receipt.conflict },
      pick(expected.receipts[number]),
    );
    assert.equal(receipt.items.length, batch.items.length);
    assert.equal(response.headers.get("log-position"), String(receipt.log_position));
    head = receipt.log_position;
  }
});

function pick(row: { stored: number; duplicate: number; conflict: number } | undefined) {
  assert.ok(row);
  return { stored: row.stored, duplicate: row.duplicate, conflict: row.conflict };
}

test("balances are those of the day, exact and by the page", async () => {
  const found = new Map<string, Schemas["Balance"]>();
  const rows = walk((cursor) =>
    roundbook.GET("/api/v1/balances", { params: { query: { at_least: head, limit: 3, cursor } } }),
  );
  for await (const balance of rows) {
    const real: string = balance.real;
    assert.match(real, /^-?\d+(\.\d+)?$/);
    found.set(`${balance.player_id} ${balance.currency}`, balance);
  }
  assert.equal(found.size, expected.balances.length);
  for (const each of expected.balances) {
    const balance = found.get(`${each.player_id} ${each.currency}`);
    assert.equal(balance?.real, each.real);
    assert.equal(balance?.counts.bets, each.counts.bets);
  }
});

test("one player is found by an id of any characters", async () => {
  for (const player_id of ["o'neil/6", "StQ-1"]) {
    const player = taken(
      await roundbook.GET("/api/v1/players/{player_id}", {
        params: { path: { player_id }, query: { at_least: head } },
      }),
    );
    assert.equal(player.player_id, player_id);
    const gender: "M" | "F" | null = player.gender;
    assert.ok(gender === null || ["M", "F"].includes(gender));
  }
});

test("a list of values is one parameter", async () => {
  const page = taken(
    await roundbook.GET("/api/v1/activity", {
      params: { query: { at_least: head, group_by: ["day", "currency"] } },
    }),
  );
  const [first] = page.items;
  assert.ok(first);
  const day: string | undefined = first.day;
  assert.equal(day, "2025-01-15");
  assert.equal(first.game_id, undefined);
});

test("each entry of history is told apart by its event", async () => {
  const seen = new Set<HistoryEntry["event"]>();
  let staked = 0;
  const entries = walk((cursor) =>
    roundbook.GET("/api/v1/history", { params: { query: { limit: 100, cursor } } }),
  );
  let position = 0;
  for await (const entry of entries) {
    position += 1;
    assert.equal(entry.position, position);
    seen.add(entry.event);
    if (entry.event === "gameround" && entry.data !== null && !entry.data.is_win) {
      staked += 1;
      const amount: number = entry.data.amount;
      assert.ok(amount >= 0);
    }
  }
  assert.equal(position, head);
  assert.ok(staked > 0);
  assert.deepEqual([...seen].sort(), ["deposit", "game", "gameround", "login", "player", "withdraw"]);
});

test("a stream and a table are texts", async () => {
  const stream = await roundbook.GET("/api/v1/history", {
    headers: { Accept: "application/x-ndjson" },
    parseAs: "text",
  });
  const lines = (stream.data as string).trimEnd().split("\n");
  assert.equal(lines.length, head);
  const last = JSON.parse(lines.at(-1) ?? "") as HistoryEntry;
  assert.equal(last.position, head);
  const table = await roundbook.GET("/api/v1/balances", {
    headers: { Accept: "text/csv" },
    params: { query: { at_least: head } },
    parseAs: "text",
  });
  assert.match(table.data as string, /^player_id,currency,real,/);
});

test("a problem says what is wrong, by its type", async () => {
  const { error, response } = await roundbook.POST("/api/v1/events", {
    body: { items: [bet, wrongKinds, noIds, noEvent] },
  });
  assert.equal(response.status, 422);
  assert.ok(error);
  if (error.type !== "urn:roundbook:problem:invalid-items" || !("errors" in error)) {
    throw new ProblemError(error);
  }
  const pointers = error.errors.map((fault) => ("pointer" in fault ? fault.pointer : ""));
  assert.ok(pointers.includes("/items/1/data/amount"));
  assert.ok(pointers.includes("/items/2/data/player_id"));
  assert.ok(pointers.includes("/items/3/event"));
});

test("only digits are the digits of an amount", () => {
  for (const digits of ["", "1e5", "-1", ".5", '1","x":"']) {
    assert.throws(() => exact(digits), RangeError);
  }
});

test("what is recorded is a duplicate when it is sent again", async () => {
  const send = async (): Promise<Response> =>
    (await roundbook.POST("/api/v1/events", { body: { items: [bet] } })).response;
  for (const outcome of ["stored", "duplicate"]) {
    const response = await send();
    assert.equal(response.status, 204);
    assert.equal(response.headers.get(`events-${outcome}`), "1");
  }
});
