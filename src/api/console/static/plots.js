// Plots of the data that stands beside them in the page, drawn by uPlot in the page's own colours.

const LINES = ["--accent", "--second", "--third", "--quiet"];
const DAY_S = 86_400;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// By the step from one tick to the next: what each says, and what is beneath where another year or day begins.
const TICKS = [
  [365 * DAY_S, "{YYYY}", null, null, null, null, null, null, 1],
  [28 * DAY_S, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [DAY_S, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
];

// From zero to a value, whatever the values are, and further where they are.
function reaching(most, from, to) {
  const [low, high] = [Math.min(0, from ?? 0), Math.max(most, to ?? 0)];
  return low === high ? [0, 1] : uPlot.rangeNum(low, high, 0.1, true);
}

// Amounts have no bounds: what is long is told in short, with as many digits as tell ticks apart.
function labels(ticks) {
  const notation = Math.max(...ticks.map(Math.abs)) < 1e6 ? "standard" : "compact";
  const written = (digits) => ticks.map((tick) => tick.toLocaleString("en", { notation, maximumFractionDigits: digits }));
  for (let digits = 1; digits < 15; digits += 1) {
    const found = written(digits);
    if (new Set(found).size === ticks.length) return found;
  }
  return written(15);
}

// As wide as its longest label.
const breadth = (_, labels) => Math.max(56, 24 + 8 * Math.max(...(labels ?? [""]).map((label) => label.length)));

const paths = ({ bars, stepped }) => {
  if (bars) return uPlot.paths.bars({ size: [0.6, 48] });
  return stepped ? uPlot.paths.stepped({ align: 1 }) : undefined;
};

function options(data, zone, width) {
  const text = { stroke: colour("--quiet"), font: "12px system-ui, sans-serif" };
  const rules = { stroke: colour("--line"), width: 1 };
  const axis = { ...text, grid: rules, ticks: rules };
  const few = data.times.length < 40;
  const edges = new Set((data.bands ?? []).flat());
  const series = data.series.map((each, number) => {
    const isEdge = edges.has(number + 1);
    const stroke = colour(isEdge ? "--quiet" : LINES[number % LINES.length]);
    return {
      label: each.label,
      stroke,
      width: each.bars || isEdge ? 1 : 2,
      dash: each.dashed ? [6, 4] : undefined,
      fill: each.bars ? stroke + "40" : undefined,
      paths: paths(each),
      points: { show: few && !each.bars && !each.dashed && !isEdge, size: 5 },
      value: (_, value) => (value === null ? "–" : value.toLocaleString("en")),
    };
  });
  // A day is as wide as its neighbours, the first and the last too. A single moment stands in the midst of a day: uPlot
  // would show the years after it.
  const around = (plot, from, to) => {
    const isSingle = plot.data[0].length === 1;
    const half = data.days || isSingle ? DAY_S / 2 : 0;
    return [from - half, (isSingle ? from : to) + half];
  };
  return {
    width,
    height: Math.round(Math.max(180, Math.min(320, width / 3))),
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), data.days ? "Etc/UTC" : zone),
    scales: {
      x: { range: around },
      ...(data.reaches !== undefined && { y: { range: (_, from, to) => reaching(data.reaches, from, to) } }),
    },
    axes: [
      { ...axis, values: TICKS, space: 64, incrs: data.days ? [1, 2, 7, 14, 28, 91, 365].map((each) => each * DAY_S) : undefined },
      { ...axis, size: breadth, values: (_, ticks) => labels(ticks) },
    ],
    series: [{ label: data.days ? "Day" : "Time", value: data.days ? "{YYYY}-{MM}-{DD}" : "{YYYY}-{MM}-{DD} {HH}:{mm}" }, ...series],
    bands: (data.bands ?? []).map((edges) => ({ series: edges, fill: colour("--accent") + "1f" })),
  };
}

const drawn = new WeakMap();

const columns = (data) => [data.times, ...data.series.map((each) => each.values)];

const read = (figure) => JSON.parse(figure.querySelector("script").textContent);

function draw(figure) {
  const data = read(figure);
  data.times ??= data.days.map((day) => Date.parse(day) / 1000);
  if (!data.times.length) return;
  const canvas = figure.querySelector(".canvas");
  canvas.hidden = false;
  const plot = new uPlot(options(data, figure.dataset.zone, canvas.clientWidth), columns(data), canvas);
  const resized = new ResizeObserver(() => {
    const width = canvas.clientWidth;
    if (width && width !== plot.width) plot.setSize({ width, height: plot.height });
  });
  resized.observe(canvas);
  const erase = () => {
    resized.disconnect();
    plot.destroy();
  };
  drawn.set(figure, { plot, erase });
}

// Shows other values in the place of a figure's own.
export function renew(figure, values) {
  const data = { ...read(figure), ...values };
  figure.querySelector("script").textContent = JSON.stringify(data);
  const known = drawn.get(figure);
  if (known) known.plot.setData(columns(data));
  else draw(figure);
}

function drawAll(within) {
  for (const figure of within.querySelectorAll("figure.plot")) {
    if (drawn.has(figure)) continue;
    draw(figure);
    const table = figure.querySelector("details");
    if (table) table.open = false;
  }
}

drawAll(document);
document.addEventListener("htmx:load", (event) => drawAll(event.detail.elt));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const figure of document.querySelectorAll("figure.plot")) {
    drawn.get(figure)?.erase();
    draw(figure);
  }
});
