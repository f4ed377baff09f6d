// The answer: the probability, its explanation, and the form for feedback.

import { make, plane } from "./elements.js";
import { _ } from "./language.js";
import { clock, inWords } from "./reference.js";

const PARTS = { time: _("Day and hour"), airline: _("Airline"), route: _("Route"), plane: _("Plane"), weather: _("Weather") };
const DAYS = [_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday")];

// The text depends on the model's threshold: from it on, the model predicts late.
export function phrase(late, threshold) {
  if (late < threshold / 2) return _("Very likely on time");
  if (late < threshold) return _("Probably on time");
  if (late < 0.5) return _("It may well be late");
  if (late < 0.75) return _("Probably late");
  return _("Very likely late");
}

// Never 0 or 100 of 100, which would be a promise.
function ofHundred(late) {
  return Math.min(99, Math.max(1, Math.round(late * 100)));
}

export function chance(late, threshold, row, reference) {
  const count = ofHundred(late);
  const planes = make("div", { class: "planes", role: "img", "aria-label": _("{count} of 100 planes are late", { count }) });
  for (let at = 0; at < 100; at++) planes.append(plane(at < count));
  const flight = { carrier: reference.carriers[row.carrier], origin: reference.city(row.origin), dest: reference.city(row.dest) };
  const said = make("p", {}, _("Of 100 flights like yours, about "), make("b", {}, String(count)), _(" arrive 15 minutes late or more."));
  const share = make("p", { class: "share" }, String(count), make("small", {}, " %"));
  return [
    make("p", { class: "quiet" }, _("{carrier} from {origin} to {dest}, {day} at {time}", { ...flight, day: DAYS[row.weekday - 1], time: clock(row.sched_dep) })),
    make("div", { class: `chance ${late < threshold ? "fine" : "late"}` }, make("div", {}, share, said), planes),
  ];
}

export function moved(explanation, late, row, reference) {
  const title = make("h3", { id: "moved-title" }, _("Reasons"));
  if (!explanation) {
    return make("section", { "aria-labelledby": "moved-title" }, title, make("p", { class: "quiet" }, _("The model that answered does not explain its answers.")));
  }
  const words = given(row, reference);
  const most = Math.max(0.05, ...explanation.parts.map((part) => Math.abs(part.moved)));
  const list = make("ul", { class: "parts" }, ...explanation.parts.map((part) => line(part, most, words)));
  const ends = make("div", { class: "ends", "aria-hidden": "true" }, make("span", {}, _("less likely late")), make("span", {}, _("more likely late")));
  const usual = _("The model expects {count} of 100 typical flights to be late. Differences of your flight, in percentage points:", { count: ofHundred(explanation.usual) });
  const other = Math.abs(explanation.late - late) > 0.0005
    ? make("p", { class: "quiet" }, _("Two models answer at the moment. This explanation is from the other one, which expects {count} in 100.", { count: ofHundred(explanation.late) }))
    : null;
  return make("section", { "aria-labelledby": "moved-title" }, title, make("p", { class: "quiet" }, usual), list, ends, other);
}

function line(part, most, words) {
  const points = Math.round(part.moved * 100);
  const way = points > 0 ? "up" : points < 0 ? "down" : "";
  const shown = points === 0 ? "0" : `${points > 0 ? "+" : "−"}${Math.abs(points)}`;
  const size = { points: Math.abs(points) };
  const moves = points > 0 ? _(": {points} points more likely late", size) : _(": {points} points less likely late", size);
  const spoken = points === 0 ? _(": hardly anything") : moves;
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
  const arrives = row.sched_arr === null ? "" : clock(row.sched_arr);
  const times = { day: DAYS[row.weekday - 1], departs: clock(row.sched_dep), arrives };
  return {
    time: row.sched_arr === null ? _("{day}, {departs}", times) : _("{day}, {departs} to {arrives}", times),
    airline: reference.carriers[row.carrier],
    route: _("{origin} to {dest}, {distance} miles", row),
    plane: planeWords,
    weather,
  };
}

// `send` is called with whether the flight was late, and may throw.
export function askHowItWent(send) {
  const section = make("section", { class: "feedback", "aria-labelledby": "went-title" });
  const note = make("p", { class: "quiet" }, _("If you already know, report it. The owners of the model then see how often it is right."));
  const buttons = make("div", { class: "buttons" }, ...[[_("It was on time"), false], [_("It was late"), true]].map(([text, wasLate]) => {
    const button = make("button", { type: "button" }, text);
    button.addEventListener("click", async () => {
      if (section.getAttribute("aria-busy")) return;
      section.setAttribute("aria-busy", "true");
      try {
        await send(wasLate);
        const thanks = make("p", { class: "notice", tabindex: "-1" }, _("Thank you. Your answer is counted."));
        buttons.replaceWith(thanks);
        note.remove();
        thanks.focus();
      } catch (error) {
        note.textContent = _("Your report was not sent. {error} Please try again.", { error: error.message });
        note.setAttribute("role", "alert");
      }
      section.removeAttribute("aria-busy");
    });
    return button;
  }));
  section.append(make("h3", { id: "went-title" }, _("How did it go?")), note, buttons);
  return section;
}
