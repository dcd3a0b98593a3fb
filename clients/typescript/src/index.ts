/** What is to be had of Roundbook in TypeScript: its API as types, and requests that are held to them. */

import createClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./schema.js";

/** The shapes of everything that is sent and answered, by name. */
export type Schemas = components["schemas"];

/** Something that happened, as it is sent. */
export type Item = Schemas["Item"];

/** Something that was recorded, as history tells it. */
export type HistoryEntry = Schemas["HistoryEntry"];

// What is answered as text is asked for with `parseAs`, which says so.
type Media = "application/json" | "application/problem+json";

/** A client of one tenant: `GET`, `POST` and their kin, by the paths of the API. */
export type Roundbook = Client<paths, Media>;

const DIGITS = /^\d+(\.\d+)?$/;
// Stands before digits in what JSON.stringify writes; nobody can have it in a text by chance.
const MARK = `exact-${Math.random().toString(36).slice(2)}-`;
const MARKED = new RegExp(`"${MARK}([^"]*)"`, "g");

/** An amount by its digits: a number of JavaScript holds 15 of them, and an amount may have 38. */
export function exact(digits: string): number {
  if (!DIGITS.test(digits)) {
    throw new RangeError(`not the digits of an amount: ${digits}`);
  }
  return { toJSON: () => MARK + digits } as unknown as number;
}

/** Write a body as JSON, amounts of `exact` digit for digit. */
function written(body: unknown): string {
  return JSON.stringify(body).replace(MARKED, "$1");
}

/** Connect to a service, with a key of the tenant. */
export function connect(baseUrl: string, key: string): Roundbook {
  return createClient<paths, Media>({
    baseUrl,
    headers: { "x-api-key": key, "content-type": "application/json" },
    bodySerializer: written,
    // A list is one parameter, its values separated by commas.
    querySerializer: { array: { style: "form", explode: false } },
  });
}

/** The service answered with a problem (RFC 9457). */
export class ProblemError extends Error {
  constructor(readonly problem: Schemas["Problem"]) {
    super(`${problem.title}: ${problem.detail}`);
    this.name = "ProblemError";
  }
}

interface Answer<Data> {
  data?: Data;
  error?: Schemas["Problem"];
}

/** Take what was answered. Throws a ProblemError where that is a problem. */
export function taken<Data>(answer: Answer<Data>): Data {
  if (answer.error !== undefined) {
    throw new ProblemError(answer.error);
  }
  return answer.data as Data;
}

interface Page<Row> {
  items: Row[];
  next_cursor: string | null;
}

/** Walk through all rows of a collection, page by page: `ask` asks for the page of a cursor. */
export async function* walk<Row>(
  ask: (cursor: string | undefined) => Promise<Answer<Page<Row>>>,
): AsyncGenerator<Row> {
  let cursor: string | undefined;
  do {
    const page = taken(await ask(cursor));
    yield* page.items;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}
