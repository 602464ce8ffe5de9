import { describe, expect, it } from "vitest";
import { safeReturn } from "@/auth/session";
import { chosenValues, nextSort, readListSearch, withValues } from "@/meta/search";
import { activityOf } from "@/ui/Composer";
import { webAddress } from "@/features/accounts/Record";

describe("a list's address", () => {
  it("gives back what a chip wrote", () => {
    const filters = withValues(undefined, "type", ["Prospect", "Other"], "in");
    expect(readListSearch({ f: filters })).toEqual({ f: ["type:in:Prospect,Other"] });
    expect(chosenValues(filters, "type")).toEqual(["Prospect", "Other"]);
    expect(withValues(filters, "type", [], "in")).toBeUndefined();
  });

  it("drops what cannot be read", () => {
    expect(readListSearch({ q: "  ", sort: "name;drop", f: [7, "nonsense", null] })).toEqual({});
    expect(readListSearch({ q: 525 })).toEqual({ q: "525" });
  });

  it("sorts up, down, and not at all", () => {
    expect(nextSort(undefined, "name")).toBe("name");
    expect(nextSort("name", "name")).toBe("-name");
    expect(nextSort("-name", "name")).toBeUndefined();
  });
});

describe("what is never followed", () => {
  it.each(["//evil.example", "/\\evil.example", "https://evil.example", "/sign-in?to=/x", 7])("%s as return path", (to) => {
    expect(safeReturn(to)).toBe("/");
  });

  it("a script as web site", () => {
    expect(webAddress("javascript:alert(1)")).toBeUndefined();
    expect(webAddress("javascript://x/%0aalert(1)")).toBeUndefined();
    expect(webAddress("example.com")).toBe("https://example.com/");
  });
});

describe("the composer", () => {
  const draft = { kind: "task" as const, subject: "Call back", text: "", outcome: "reached", due: "2026-12-01T09:00", remind: "15" };

  it("asks for nothing that the server would refuse", () => {
    expect(activityOf({ ...draft, due: "" }, "account", "1")).toBeUndefined();
    expect(activityOf({ ...draft, kind: "note" }, "account", "1")).toBeUndefined();
  });

  it("plans a follow-up with its reminder, as the clock on the wall says", () => {
    const planned = activityOf(draft, "account", "1");
    expect(planned).toMatchObject({ status: "planned", wall_time: "2026-12-01T09:00:00" });
    expect(planned?.reminders).toEqual([{ minutes_before: 15, channels: ["app", "email"] }]);
  });
});
