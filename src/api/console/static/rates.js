// How many events a second each tenant gets: what its position grew by from one look to another, over some looks.
// Where no look comes, that is said.

const LOOKS = 6;
const looks = new Map();

const rates = () => {
  const total = { perSecond: 0, isKnown: false };
  for (const shown of document.querySelectorAll("[data-tenant]")) {
    const { tenant, position, readAt } = shown.dataset;
    const known = looks.get(tenant) ?? [];
    const look = { position: Number(position), at: Date.parse(readAt) };
    if (known.at(-1)?.at !== look.at) {
      looks.set(tenant, [...known, look].slice(-LOOKS));
    }
    const [first] = looks.get(tenant);
    if (look.at > first.at) {
      const perSecond = Math.max(0, ((look.position - first.position) * 1000) / (look.at - first.at));
      total.perSecond += perSecond;
      total.isKnown = true;
      shown.textContent = written(perSecond);
    }
  }
  const sum = document.querySelector("[data-total]");
  if (sum && total.isKnown) {
    sum.textContent = written(total.perSecond);
  }
};

const written = (perSecond) =>
  perSecond.toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

const isAnswered = ({ xhr }) => xhr.status >= 200 && xhr.status < 300;

document.addEventListener("htmx:oobAfterSwap", rates);
document.addEventListener("htmx:afterRequest", (event) => {
  document.getElementById("stale").hidden = isAnswered(event.detail);
});
rates();
