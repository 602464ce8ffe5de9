import i18next from "i18next";
import { describe, expect, it } from "vitest";
import en from "@/i18n/locales/en.json";
import es from "@/i18n/locales/es.json";
import italian from "@/i18n/locales/it.json";
import pl from "@/i18n/locales/pl.json";

const CATALOGUES = { en, it: italian, pl, es };
const PLURAL = /_(zero|one|two|few|many|other)$/;

function flat(words: object, path = ""): [string, string][] {
  return Object.entries(words).flatMap(([name, value]) =>
    typeof value === "string" ? [[path + name, value] as [string, string]] : flat(value as object, `${path}${name}.`),
  );
}

const keysOf = (words: object) => new Set(flat(words).map(([key]) => key.replace(PLURAL, "")));
const variables = (text: string) => new Set(text.match(/\{\{\w+\}\}/g));

describe.each(Object.entries(CATALOGUES))("the catalogue %s", (language, words) => {
  it("has every key and no other", () => {
    expect([...keysOf(words)].sort()).toEqual([...keysOf(en)].sort());
  });

  it("has every plural form of its language", () => {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    const keys = new Set(flat(words).map(([key]) => key));
    const counted = new Set([...keys].filter((key) => PLURAL.test(key)).map((key) => key.replace(PLURAL, "")));
    const missing = [...counted].flatMap((key) => forms.map((form) => `${key}_${form}`)).filter((key) => !keys.has(key));
    expect(missing).toEqual([]);
  });

  it("names nothing that the English one does not fill in", () => {
    const english = new Map(flat(en).map(([key, text]) => [key.replace(PLURAL, ""), variables(text)]));
    const unknown = flat(words).filter(([key, text]) => [...variables(text)].some((each) => !english.get(key.replace(PLURAL, ""))?.has(each)));
    expect(unknown).toEqual([]);
  });
});

describe("Polish", () => {
  it.each([
    [1, "z 1 błędnym wierszem"],
    [3, "z 3 błędnymi wierszami"],
    [5, "z 5 błędnymi wierszami"],
    [22, "z 22 błędnymi wierszami"],
  ])("counts %i", async (count, expected) => {
    const polish = i18next.createInstance();
    await polish.init({ lng: "pl", resources: { pl: { translation: pl } } });
    expect(polish.t("imports.errors_file", { count })).toContain(expected);
  });
});
