// Slides: the arrow keys, space (not on an answer that opens) and Page Up / Page Down move forward or back; the address contains the slide.

const slides = [...document.querySelectorAll(".slide")];
const NEXT = ["ArrowRight", "ArrowDown", "PageDown", " "];
const BACK = ["ArrowLeft", "ArrowUp", "PageUp"];

function here() {
  const tops = slides.map((slide) => Math.abs(slide.getBoundingClientRect().top));
  return tops.indexOf(Math.min(...tops));
}

function go(at) {
  const slide = slides[Math.max(0, Math.min(slides.length - 1, at))];
  slide.scrollIntoView();
  slide.focus({ preventScroll: true });
  history.replaceState(null, "", `#${slides.indexOf(slide) + 1}`);
}

document.addEventListener("keydown", (event) => {
  const step = NEXT.includes(event.key) ? 1 : BACK.includes(event.key) ? -1 : 0;
  if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === " " && event.target.closest("summary")) return;
  event.preventDefault();
  go(here() + step);
});
if (/^#\d+$/.test(location.hash)) go(Number(location.hash.slice(1)) - 1);
