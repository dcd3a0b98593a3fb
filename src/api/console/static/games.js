// What narrows the catalogue down is folded where it would push the list away, and open where it stands beside it.

const narrowing = document.querySelector(".narrow-down");
const beside = matchMedia("(min-width: 62rem)");

const fold = () => {
  narrowing.open = beside.matches;
};

fold();
beside.addEventListener("change", fold);
