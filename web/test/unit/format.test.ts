import { describe, expect, it } from "vitest";
import { formatsOf } from "@/i18n/format";

const NOW = Date.parse("2026-11-23T12:00:00Z");

describe("formats", () => {
  it("writes money as the language does, without losing a digit", () => {
    expect(formatsOf("it").money("157000000.00", "EUR")).toMatch(/^157\.000\.000\s€$/);
    expect(formatsOf("pl").money("90071992547409.93", "PLN").replace(/\s/g, " ")).toBe("90 071 992 547 409,93 zł");
  });

  it("shows a day without a zone as the same day everywhere", () => {
    for (const zone of ["Pacific/Kiritimati", "America/Los_Angeles"]) {
      expect(formatsOf("en", zone).day("2026-03-29")).toBe("Mar 29, 2026");
    }
  });

  it("shows a moment in the person's zone", () => {
    expect(formatsOf("en", "Asia/Tokyo").moment("2026-11-23T20:00:00Z")).toContain("Nov 24, 2026");
  });

  it("says how long ago", () => {
    expect(formatsOf("en").ago("2026-11-22T11:00:00Z", NOW)).toBe("yesterday");
    expect(formatsOf("pl").ago("2026-11-18T12:00:00Z", NOW)).toBe("5 dni temu");
  });

  it("never rounds a share up", () => {
    expect(formatsOf("en").percent(0.9988)).toBe("99%");
  });

  it("names countries and leaves nonsense as it is", () => {
    expect(formatsOf("es").country("PL")).toBe("Polonia");
    expect(formatsOf("es").country("Poland?")).toBe("Poland?");
  });
});
