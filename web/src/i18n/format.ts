/** Dates, numbers and names of countries as a language writes them. Times are shown in the person's zone. */

const DAY = 86_400_000;
const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * DAY],
  ["month", 30 * DAY],
  ["week", 7 * DAY],
  ["day", DAY],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

export interface Formats {
  day(value: string): string;
  moment(value: string): string;
  time(value: string): string;
  ago(value: string, now?: number): string;
  money(amount: string, currency: string): string;
  number(value: number): string;
  percent(share: number): string;
  country(code: string): string;
}

export function formatsOf(language: string, timeZone?: string): Formats {
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const countries = new Intl.DisplayNames(language, { type: "region", fallback: "code" });
  const date = (value: string, options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(language, options).format(new Date(value));
  return {
    // A day has no zone: midnight in UTC shown in UTC is the same day everywhere.
    day: (value) => date(`${value.slice(0, 10)}T00:00:00Z`, { dateStyle: "medium", timeZone: "UTC" }),
    moment: (value) => date(value, { dateStyle: "medium", timeStyle: "short", timeZone }),
    time: (value) => date(value, { timeStyle: "short", timeZone }),
    ago: (value, now = Date.now()) => relativeTo(relative, Date.parse(value) - now),
    money: (amount, currency) => money(language, amount, currency),
    number: (value) => new Intl.NumberFormat(language).format(value),
    percent: (share) => new Intl.NumberFormat(language, { style: "percent" }).format(Math.floor(share * 100) / 100),
    country: (code) => (/^[A-Z]{2}$/.test(code) ? (countries.of(code) ?? code) : code),
  };
}

function relativeTo(relative: Intl.RelativeTimeFormat, difference: number): string {
  const [unit, size] = STEPS.find(([, each]) => Math.abs(difference) >= each) ?? ["minute", 60_000];
  return relative.format(Math.trunc(difference / size), unit);
}

function money(language: string, amount: string, currency: string): string {
  const fraction = /\.0*$/.test(amount) || !amount.includes(".") ? 0 : 2;
  const options = { style: "currency", currency, minimumFractionDigits: fraction, maximumFractionDigits: 2 } as const;
  // A decimal string goes in as it is: no amount passes through a binary number.
  return new Intl.NumberFormat(language, options).format(amount as unknown as number);
}
