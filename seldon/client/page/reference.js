// Values that a traveller does not know: routes, planes and weather of reference.json, and their texts.

import { _ } from "./language.js";

export const KINDS = [
  ["typical", _("Typical")], ["rain", _("Rain")], ["storm", _("Storm")], ["snow", _("Snow")], ["wind", _("Strong wind")], ["fog", _("Fog")],
];

// Every column that the page may assume: its label, its unit, and the step of its input.
export const ASSUMED = {
  sched_arr: [_("Arrives at"), "", null],
  distance: [_("Distance"), _("miles"), 1],
  seats: [_("Seats"), "", 1],
  plane_age: [_("Plane age"), _("years"), 1],
  temp: [_("Temperature"), "°F", 0.1],
  dewp: [_("Dew point"), "°F", 0.1],
  humid: [_("Humidity"), "%", 0.1],
  wind_dir: [_("Wind from"), "°", 10],
  wind_speed: [_("Wind"), "mph", 0.1],
  precip: [_("Rain, snow"), "in/h", 0.01],
  pressure: [_("Pressure"), "mbar", 0.1],
  visib: [_("Visibility"), _("miles"), 0.1],
};

export class Reference {
  constructor(content) {
    this.airports = content.airports;
    this.carriers = content.carriers;
    this.routes = content.routes;
    this.weather = content.weather;
  }

  static async load() {
    const answer = await fetch("reference.json");
    if (!answer.ok) throw new Error(`reference.json: ${answer.status}`);
    return new Reference(await answer.json());
  }

  origins() {
    return this.#named(Object.keys(this.routes));
  }

  destinations(origin) {
    return this.#named(Object.keys(this.routes[origin] ?? {}));
  }

  flown(origin, dest) {
    const codes = Object.keys(this.routes[origin]?.[dest]?.[2] ?? {});
    return codes.map((code) => [code, `${this.carriers[code]} (${code})`]).sort(byName);
  }

  // The columns that follow from the route and the hour; undefined where the route is not known yet.
  flight(origin, dest, carrier, departs) {
    const [distance, lasts, planes] = this.routes[origin]?.[dest] ?? [];
    const [seats, plane_age] = planes?.[carrier] ?? [];
    return { distance, seats, plane_age, sched_arr: lasts === undefined || departs === null ? undefined : (departs + lasts) % 1440 };
  }

  // The weather columns of a kind in a month (1 to 12) and hour; null where that month has no such weather.
  sky(kind, month, hour) {
    const values = kind === "typical" ? this.weather.typical[month - 1][hour] : this.weather.conditions[kind][month - 1];
    return values && Object.fromEntries(this.weather.columns.map((name, at) => [name, values[at]]));
  }

  city(code) {
    return (this.airports[code] ?? code).replace(/, [A-Z]{2}$/, "");
  }

  #named(codes) {
    return codes.map((code) => [code, `${this.airports[code]} (${code})`]).sort(byName);
  }
}

function byName([, one], [, other]) {
  return one.localeCompare(other);
}

export function clock(minutes) {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

// A short text on the values of some columns; missing values are left out.
export function inWords(row) {
  const has = (name) => row[name] !== null && row[name] !== undefined;
  const celsius = Math.round(((row.temp - 32) * 5) / 9);
  return {
    plane: [
      has("seats") ? _("{seats} seats", row) : _("a plane of unknown size"),
      has("plane_age") ? (row.plane_age === 1 ? _("1 year old") : _("{plane_age} years old", row)) : null,
    ].filter(Boolean).join(_(", ")),
    weather: [
      has("temp") ? `${Math.round(row.temp)} °F (${celsius} °C)` : null,
      has("precip") ? (row.precip > 0 ? falling(row) : _("dry")) : null,
      has("wind_speed") ? _("wind {speed} mph", { speed: Math.round(row.wind_speed) }) : null,
      has("visib") ? (row.visib === 1 ? _("visibility 1 mile") : _("visibility {visib} miles", row)) : null,
    ].filter(Boolean).join(_(", ")),
  };
}

function falling(row) {
  return row.temp <= 32 ? _("{precip} in of snow as water an hour", row) : _("{precip} in of rain an hour", row);
}
