// Plots of the data that stands beside them in the page, drawn by uPlot in the page's own colours.

const rule = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const lines = ["--accent", "--second", "--third", "--quiet"];

function options(figure, data, width) {
  const zone = figure.dataset.zone;
  const axis = { stroke: rule("--quiet"), grid: { stroke: rule("--line"), width: 1 }, ticks: { stroke: rule("--line"), width: 1 }, font: "12px system-ui" };
  return {
    width,
    height: Math.max(180, Math.min(320, width / 3)),
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    legend: { live: true },
    cursor: { drag: { x: true, y: false } },
    scales: { x: { time: true } },
    axes: [axis, { ...axis, size: 72, values: (_, ticks) => ticks.map((tick) => tick.toLocaleString("en")) }],
    series: [
      {},
      ...data.series.map((each, number) => ({
        label: each.label,
        stroke: rule(lines[number % lines.length]),
        width: 2,
        dash: each.dashed ? [6, 4] : undefined,
        fill: each.bars ? rule(lines[number % lines.length]) + "33" : undefined,
        paths: each.bars ? uPlot.paths.bars({ size: [0.6, 48] }) : undefined,
        points: { show: data.times.length < 2 },
      })),
    ],
    bands: (data.bands ?? []).map((series) => ({ series, fill: rule("--accent") + "1f" })),
  };
}

export function draw(figure) {
  const data = JSON.parse(figure.querySelector("script").textContent);
  const canvas = figure.querySelector(".canvas");
  if (!data.times.length) return;
  canvas.hidden = false;
  canvas.replaceChildren();
  const columns = [data.times, ...data.series.map((each) => each.values)];
  const plot = new uPlot(options(figure, data, canvas.clientWidth), columns, canvas);
  new ResizeObserver(() => {
    const width = canvas.clientWidth;
    if (width && width !== plot.width) plot.setSize({ width, height: plot.height });
  }).observe(canvas);
  // The table is a click away where there is a plot.
  figure.querySelector("details").open = false;
}

function drawAll(within = document) {
  for (const figure of within.querySelectorAll("figure.plot")) draw(figure);
}

drawAll();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll());
document.addEventListener("htmx:load", (event) => drawAll(event.detail.elt));
