// What the live part of the overview said while the page was open: events per second, and how far queries were behind.

import { renew } from "./plots.js";

const MOST_KEPT = 300;
const RATE_OF_LAST = 5;

const panel = document.querySelector(".history");
const [rates, lags] = panel.querySelectorAll("figure");
const rows = panel.querySelector("tbody");
let samples = [];

function read(part) {
  const { at, position, lag } = part.dataset;
  return { at: Number(at), position: Number(position), lag: Number(lag) };
}

// Over some seconds, so that one batch is no peak of its own.
function rateNow() {
  const [first, last] = [samples.at(-RATE_OF_LAST) ?? samples[0], samples.at(-1)];
  return first === last ? null : (last.position - first.position) / (last.at - first.at);
}

function written(number, digits) {
  return number.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function row(sample) {
  const cells = [new Date(sample.at * 1000).toLocaleTimeString("sv", { timeZone: lags.dataset.zone }), written(sample.rate, 1), written(sample.lag, 1)];
  const made = document.createElement("tr");
  for (const [number, text] of cells.entries()) {
    const cell = made.insertCell();
    cell.textContent = text;
    if (number) cell.className = "number";
  }
  return made;
}

function plot(figure, label, member, shown) {
  renew(figure, { times: shown.map((each) => each.at), series: [{ label, values: shown.map((each) => each[member]) }] });
}

function take(part) {
  const sample = read(part);
  // Another log goes on, as after a restore: what was seen is of none that there is.
  if (samples.length && sample.position < samples.at(-1).position) samples = [];
  samples = [...samples, sample].slice(-MOST_KEPT);
  sample.rate = rateNow();
  if (sample.rate === null) return;
  const rate = part.querySelector(".rate");
  rate.hidden = false;
  rate.querySelector("dd").textContent = written(sample.rate, sample.rate < 10 ? 1 : 0);
  panel.hidden = false;
  const shown = samples.filter((each) => each.rate !== null);
  plot(rates, "Events per second", "rate", shown);
  plot(lags, "Seconds behind", "lag", shown);
  rows.prepend(row(sample));
  while (rows.rows.length > MOST_KEPT) rows.lastElementChild.remove();
}

function takeFrom(element) {
  const part = element.querySelector("[data-at]");
  if (part) take(part);
}

takeFrom(document);
document.addEventListener("htmx:afterSwap", (event) => takeFrom(event.detail.target));
