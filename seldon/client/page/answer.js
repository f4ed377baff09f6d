// The answer in words and pictures: the chance, what moved it, and the question how it went.

import { make, plane } from "./elements.js";
import { clock, inWords } from "./reference.js";

const PARTS = { time: "Day and hour", airline: "Airline", route: "Route", plane: "Plane", weather: "Weather" };
const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

// The words change where the model's own decision does: from its threshold on it calls a flight late.
export function verdict(late, threshold) {
  if (late < threshold / 2) return "Very likely on time";
  if (late < threshold) return "Probably on time";
  if (late < 0.5) return "It may well be late";
  if (late < 0.75) return "Probably late";
  return "Very likely late";
}

// Seldom enough to be honest: 0 and 100 of 100 would be promises.
function ofHundred(late) {
  return Math.min(99, Math.max(1, Math.round(late * 100)));
}

export function chance(late, threshold, row, reference) {
  const count = ofHundred(late);
  const planes = make("div", { class: "planes", role: "img", "aria-label": `${count} of 100 planes are late` });
  for (let at = 0; at < 100; at++) planes.append(plane(at < count));
  const flight = `${reference.carriers[row.carrier]} from ${reference.city(row.origin)} to ${reference.city(row.dest)}`;
  const said = make("p", {}, "Of 100 flights like yours, about ", make("b", {}, String(count)), " arrive 15 minutes late or more.");
  const share = make("p", { class: "share" }, String(count), make("small", {}, " %"));
  return [
    make("p", { class: "quiet" }, `${flight}, ${DAYS[row.weekday - 1]} at ${clock(row.sched_dep)}`),
    make("div", { class: `chance ${late < threshold ? "fine" : "late"}` }, make("div", {}, share, said), planes),
  ];
}

export function moved(explanation, late, row, reference) {
  const title = make("h3", { id: "moved-title" }, "What moved it");
  if (!explanation) {
    return make("section", { "aria-labelledby": "moved-title" }, title, make("p", { class: "quiet" }, "The model that answered does not tell what its answer rests on."));
  }
  const words = given(row, reference);
  const most = Math.max(0.05, ...explanation.parts.map((part) => Math.abs(part.moved)));
  const list = make("ul", { class: "parts" }, ...explanation.parts.map((part) => line(part, most, words)));
  const ends = make("div", { class: "ends", "aria-hidden": "true" }, make("span", {}, "less likely late"), make("span", {}, "more likely late"));
  const usual = `Of ordinary flights the model expects ${ofHundred(explanation.usual)} in 100 to be late. What makes yours different, in points of 100:`;
  const other = Math.abs(explanation.late - late) > 0.0005
    ? make("p", { class: "quiet" }, `Two models share the work just now; this is how the other one sees it, which says ${ofHundred(explanation.late)} in 100.`)
    : null;
  return make("section", { "aria-labelledby": "moved-title" }, title, make("p", { class: "quiet" }, usual), list, ends, other);
}

function line(part, most, words) {
  const points = Math.round(part.moved * 100);
  const way = points > 0 ? "up" : points < 0 ? "down" : "";
  const shown = points === 0 ? "0" : `${points > 0 ? "+" : "−"}${Math.abs(points)}`;
  const spoken = points === 0 ? ": hardly anything" : `: ${Math.abs(points)} points ${points > 0 ? "more" : "less"} likely late`;
  const bar = make("div", { class: "bar", "aria-hidden": "true" }, make("i"));
  bar.firstChild.style.setProperty("--size", String(way ? Math.abs(part.moved) / most : 0));
  return make(
    "li", { class: `part ${way}` },
    make("span", { class: "name" }, PARTS[part.name] ?? part.name),
    make("span", { class: "points" }, make("span", { "aria-hidden": "true" }, shown), make("span", { class: "unseen" }, spoken)),
    bar,
    words[part.name] ? make("span", { class: "given" }, words[part.name]) : null,
  );
}

function given(row, reference) {
  const { plane: planeWords, weather } = inWords(row);
  return {
    time: `${DAYS[row.weekday - 1]}, ${clock(row.sched_dep)}${row.sched_arr === null ? "" : ` to ${clock(row.sched_arr)}`}`,
    airline: reference.carriers[row.carrier],
    route: `${row.origin} to ${row.dest}, ${row.distance} miles`,
    plane: planeWords,
    weather,
  };
}

// `send` is called with whether the flight was late, and may throw.
export function askHowItWent(send) {
  const section = make("section", { class: "feedback", "aria-labelledby": "went-title" });
  const told = make("p", { class: "quiet" }, "If you know already: tell the model, so that its owners see how often it is right.");
  const buttons = make("div", { class: "buttons" }, ...[["It was on time", false], ["It was late", true]].map(([text, wasLate]) => {
    const button = make("button", { type: "button" }, text);
    button.addEventListener("click", async () => {
      if (section.getAttribute("aria-busy")) return;
      section.setAttribute("aria-busy", "true");
      try {
        await send(wasLate);
        const thanks = make("p", { class: "notice", tabindex: "-1" }, "Thank you. Your answer is counted.");
        buttons.replaceWith(thanks);
        told.remove();
        thanks.focus();
      } catch (error) {
        told.textContent = `That did not arrive. ${error.message} Please try again.`;
        told.setAttribute("role", "alert");
      }
      section.removeAttribute("aria-busy");
    });
    return button;
  }));
  section.append(make("h3", { id: "went-title" }, "How did it go?"), told, buttons);
  return section;
}
